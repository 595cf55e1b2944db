"""A study's numbers, drawings and report, made once for each state of its ratings."""

from __future__ import annotations

from typing import Any

import numpy as np

from pool.canonical.pixels import decode_png, thumbnail
from rating.results.cache import Kept
from rating.results.exhibit import Exhibit
from rating.results.gallery import GALLERIES, MOST_REPORTED, REPORTED, Gallery, ShownImage, galleries
from rating.results.noticed import noticed
from rating.results.query import Said, machine_names, machine_scores, said_of
from rating.results.report.contents import Picture, Report, report_of
from rating.results.sections.remarks import remark_tables
from rating.results.study_facts import facts_of
from rating.results.summary import study_numbers
from rating.statistics.accuracy.machines import machine_numbers
from rating.statistics.columns import StudyColumns
from rating.studies.sets import members_of_sets
from rating.studies.study import Study


def numbers_of(study: Study, kept: Kept | None = None) -> dict[str, Any]:
    """The numbers of the whole study: first (informed) session, every rater that counts."""
    kept = kept or Kept(study)
    return kept.json("numbers|", lambda: numbers_from(study, kept, kept.columns(), kept.machine_columns()))


def numbers_from(
    study: Study,
    kept: Kept,
    people: StudyColumns,
    machines: StudyColumns | None,
    session: int | None = None,
) -> dict[str, Any]:
    """The numbers of these columns of the study; what machines said, and a first phase, stand beside them."""
    session = session or people.first_session
    first = None
    if study.has_two_phases:
        first = noticed(kept.columns(first_phase=True), said_of(study, session=1, text_only=True))
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


def report_on(study: Study, numbers: dict[str, Any], date: str, kept: Kept | None = None) -> Report:
    """The report of a study that is over, dated."""
    kept = kept or Kept(study)
    columns = kept.columns()
    said = said_of(study, session=columns.first_session, text_only=True)
    return report_of(
        facts_of(study),
        numbers,
        date,
        galleries=galleries_of(study, kept),
        remarks=remark_tables(columns, said),
    )


def galleries_of(study: Study, kept: Kept) -> list[Gallery]:
    """The galleries of the report: the most telling images of each, with all that was said of them."""
    columns = kept.columns()
    found = {name: those for name, those in galleries(columns).items() if name in REPORTED}
    codes = {image.code for those in found.values() for image in those[:MOST_REPORTED]}
    said: dict[str, list[Said]] = {code: [] for code in codes}
    for one in said_of(study, codes, session=columns.first_session):
        said[one.image].append(one)
    pictures = _pictures(study, codes)
    return [
        Gallery(
            GALLERIES[name],
            [ShownImage(i, said[i.code], pictures[i.code]) for i in those[:MOST_REPORTED]],
            len(those),
        )
        for name, those in found.items()
    ]


def _pictures(study: Study, codes: set[str]) -> dict[str, bytes]:
    """A small picture of each image, or of each set with its images by letter, from left to right, then below."""
    members = members_of_sets(study) if study.shows_sets else {code: [code] for code in codes}
    wanted = {member: code for code in codes for member in members[code]}
    drawn: dict[str, list[Any]] = {code: [] for code in codes}
    for shown in study.images.filter(code__in=wanted).order_by("code"):
        with shown.derivative.open("rb") as derivative:
            drawn[wanted[shown.code]].append(decode_png(derivative.read()))
    return {code: thumbnail(_beside_each_other(those)) for code, those in drawn.items()}


def _beside_each_other(those: list[Any]) -> Any:
    """One picture of one, two or four of the same size."""
    rows = [np.concatenate(those[at : at + 2], axis=1) for at in range(0, len(those), 2)]
    return np.concatenate(rows)


def picture_of(kept: Kept, numbers: dict[str, Any]) -> Picture:
    """What draws an exhibit for paper, keeping it."""
    from pool.figure_style import (
        PRINT,
        as_file,
    )  # matplotlib, which the web process need not load to start

    def picture(exhibit: Exhibit, kind: str) -> bytes:
        draw = exhibit.draw
        if draw is None:
            raise ValueError(f"{exhibit.name} has no drawing.")
        return kept.bytes(f"{exhibit.name}||print.{kind}", lambda: as_file(draw(numbers, PRINT), kind))

    return picture
