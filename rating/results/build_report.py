"""A study's numbers, drawings and report, made once for each state of its ratings."""

from __future__ import annotations

from typing import Any

import numpy as np

from pool.canonical.pixels import decode_png, thumbnail
from rating.results.cache import ResultCache
from rating.results.exhibit import Exhibit
from rating.results.gallery import GALLERIES, MOST_REPORTED, REPORTED, Gallery, ShownImage, galleries
from rating.results.noticed import notices_of_purpose
from rating.results.query import Response, machine_names, machine_scores, responses_of
from rating.results.report.contents import Picture, Report, report_of
from rating.results.sections.remarks import remark_tables
from rating.results.study_facts import facts_of
from rating.results.summary import study_numbers
from rating.statistics.accuracy.machines import machine_numbers
from rating.statistics.columns import StudyColumns
from rating.studies.sets import members_of_sets
from rating.studies.study import Study


def numbers_of(study: Study, cache: ResultCache | None = None) -> dict[str, Any]:
    """The numbers of the whole study: first (informed) session, every rater that counts."""
    cache = cache or ResultCache(study)
    return cache.json(
        "numbers|", lambda: numbers_from(study, cache, cache.columns(), cache.machine_columns())
    )


def numbers_from(
    study: Study,
    cache: ResultCache,
    people: StudyColumns,
    machines: StudyColumns | None,
    session: int | None = None,
) -> dict[str, Any]:
    """The numbers of these columns of the study; what machines said, and a first phase, stand beside them."""
    session = session or people.first_session
    first = None
    if study.has_two_phases:
        first = notices_of_purpose(
            cache.columns(first_phase=True), responses_of(study, session=1, text_only=True)
        )
    return study_numbers(
        people,
        policy=study.unsure_policy,
        margin=study.equivalence_margin,
        endpoint=study.primary_endpoint,
        session=session,
        machines=machines_beside(study, machines, people, session),
        first_phase=first,
    )


def machines_beside(
    study: Study, machines: StudyColumns | None, people: StudyColumns, session: int
) -> list[dict[str, Any]]:
    """What the study's machines said of the same images."""
    if machines is None or not machines.raters:
        return []
    return machine_numbers(
        machines,
        people,
        machine_scores(study, machines, session),
        machine_names(study),
        policy=study.unsure_policy,
        session=session,
    )


def report_on(study: Study, numbers: dict[str, Any], date: str, cache: ResultCache | None = None) -> Report:
    """The report of a study that is over, dated."""
    cache = cache or ResultCache(study)
    columns = cache.columns()
    responses = responses_of(study, session=columns.first_session, text_only=True)
    return report_of(
        facts_of(study),
        numbers,
        date,
        galleries=galleries_of(study, cache),
        remarks=remark_tables(columns, responses),
    )


def galleries_of(study: Study, cache: ResultCache) -> list[Gallery]:
    """The galleries of the report: the most telling images of each, with all that was said of them."""
    columns = cache.columns()
    reported = {name: images for name, images in galleries(columns).items() if name in REPORTED}
    codes = {image.code for images in reported.values() for image in images[:MOST_REPORTED]}
    responses: dict[str, list[Response]] = {code: [] for code in codes}
    for response in responses_of(study, codes, session=columns.first_session):
        responses[response.image].append(response)
    thumbnails = _thumbnails(study, codes)
    return [
        Gallery(
            GALLERIES[name],
            [ShownImage(i, responses[i.code], thumbnails[i.code]) for i in images[:MOST_REPORTED]],
            len(images),
        )
        for name, images in reported.items()
    ]


def _thumbnails(study: Study, codes: set[str]) -> dict[str, bytes]:
    """A small picture of each image, or of each set with its images by letter, from left to right, then below."""
    members = members_of_sets(study) if study.shows_sets else {code: [code] for code in codes}
    code_of = {member: code for code in codes for member in members[code]}
    images: dict[str, list[Any]] = {code: [] for code in codes}
    for study_image in study.images.filter(code__in=code_of).order_by("code"):
        with study_image.derivative.open("rb") as derivative:
            images[code_of[study_image.code]].append(decode_png(derivative.read()))
    return {code: thumbnail(_beside_each_other(members_drawn)) for code, members_drawn in images.items()}


def _beside_each_other(images: list[Any]) -> Any:
    """One picture of one, two or four of the same size."""
    rows = [np.concatenate(images[at : at + 2], axis=1) for at in range(0, len(images), 2)]
    return np.concatenate(rows)


def exhibit_drawer(cache: ResultCache, numbers: dict[str, Any]) -> Picture:
    """What draws an exhibit for paper, keeping it."""
    from pool.figure_style import (
        PRINT,
        as_file,
    )  # matplotlib, which the web process need not load to start

    def picture(exhibit: Exhibit, kind: str) -> bytes:
        draw = exhibit.draw
        if draw is None:
            raise ValueError(f"{exhibit.name} has no drawing.")
        return cache.bytes(f"{exhibit.name}||print.{kind}", lambda: as_file(draw(numbers, PRINT), kind))

    return picture
