"""A study's numbers, drawings and report, made once for each state of its ratings."""

from __future__ import annotations

from functools import partial

import numpy as np

from pool.canonical.pixels import Pixels, decode_png, thumbnail
from pool.figure_style import PRINT, as_file
from pool.storage.stored_files import LostFileError, placeholder, stored_bytes
from rating.reading.usability import UsabilityAnswer
from rating.results.cache import ResultCache
from rating.results.exhibit import Exhibit
from rating.results.gallery import GALLERIES, MOST_REPORTED, REPORTED, Gallery, ShownImage, galleries
from rating.results.marks_query import marks_in
from rating.results.parts import Part
from rating.results.query import Response, machine_names, machine_scores, responses_of
from rating.results.remarks import remark_tables
from rating.results.report.contents import ExhibitDrawer, Report, report_of
from rating.results.second_query import second_answers_of
from rating.results.sections.first_phase import first_phase_results
from rating.results.sections.second import all_second_results
from rating.results.study_facts import facts_of
from rating.results.study_results import FirstPhase, StudyResults
from rating.results.summary import study_results
from rating.results.verification import signature_lines, unconfirmed_lines, verify_study
from rating.statistics.accuracy.machines import MachineResults, machine_results
from rating.statistics.arena.answers import Answers
from rating.statistics.arena.results import ArenaResults, arena_results
from rating.statistics.columns import StudyColumns
from rating.statistics.usability import Usability, usability
from rating.studies.images import StudyImage
from rating.studies.sampling.generators import competitors_by_code, generators_in_words
from rating.studies.sampling.sets import members_of_sets
from rating.studies.study import Study


def results_of(study: Study, cache: ResultCache | None = None, part: Part | None = None) -> StudyResults:
    """The numbers of a part of the study, computed once for each state of its ratings.

    Of the complete study unless a part is named: first (informed) session, every rater that counts.
    """
    part, cache = part or Part(), cache or ResultCache(study)
    return cache.typed(part.numbers, StudyResults, partial(_computed, study, cache, part))


def _computed(study: Study, cache: ResultCache, part: Part) -> StudyResults:
    """Machines, and a first phase, stand beside what people called the images."""
    people, machines = part.of(cache.columns()), cache.machine_columns()
    machines = part.whoever.of(machines) if machines else None
    session = part.session or people.first_session
    arena, versus = _arena(study, people, session)
    return study_results(
        people,
        policy=study.unsure_policy,
        margin=study.equivalence_margin,
        endpoint=study.primary_endpoint,
        session=session,
        machines=_machines(study, machines, people, session),
        first_phase=_first_phase(study, cache),
        second=all_second_results(second_answers_of(study), people),
        marks=marks_in(study, people, session),
        usability=_usability(study, people),
        arena=arena,
        versus=versus,
    )


def _arena(
    study: Study, people: StudyColumns, session: int
) -> tuple[ArenaResults | None, tuple[str, str] | None]:
    """The arena's numbers, and which two the primary result compares; generators only once they may be told."""
    if not study.is_arena:
        return None, None
    sets = competitors_by_code(study) if study.is_unblinded else None
    return arena_results(Answers.of(people, session, sets)), study.versus


def _usability(study: Study, people: StudyColumns) -> Usability | None:
    """Of these raters; None where the study does not ask it."""
    if not study.ask_usability:
        return None
    rows = {answer.sitting.enrolment.pseudonym: answer.items for answer in UsabilityAnswer.by_rater(study)}
    raters = [rater for rater in people.raters if rater in rows]
    return usability(raters, [rows[rater] for rater in raters])


def _first_phase(study: Study, cache: ResultCache) -> FirstPhase | None:
    if not study.has_two_phases:
        return None
    answers = responses_of(study, session=1, text_only=True)
    return first_phase_results(cache.columns(first_phase=True), answers)


def _machines(
    study: Study, machines: StudyColumns | None, people: StudyColumns, session: int
) -> tuple[MachineResults, ...]:
    """What the study's machines called the same images."""
    if machines is None or not machines.raters:
        return ()
    return machine_results(
        machines,
        people,
        machine_scores(study, machines, session),
        machine_names(study),
        policy=study.unsure_policy,
        session=session,
    )


def report_on(study: Study, results: StudyResults, date: str, cache: ResultCache | None = None) -> Report:
    """The report of a study that is over, dated."""
    cache = cache or ResultCache(study)
    columns = cache.columns()
    answers = cache.texts(columns.first_session)
    return report_of(
        facts_of(study),
        results,
        date,
        galleries=galleries_of(study, cache),
        remarks=remark_tables(columns, answers),
        trail=[*signature_lines(study), *verify_study(study).words, *unconfirmed_lines(study)],
    )


def galleries_of(study: Study, cache: ResultCache) -> list[Gallery]:
    """The galleries of the report: the first images of each, with every answer on them."""
    columns = cache.columns()
    reported = {
        name: images
        for name, images in galleries(columns, generators=generators_in_words(study)).items()
        if name in REPORTED
    }
    codes = {image.code for images in reported.values() for image in images[:MOST_REPORTED]}
    answers: dict[str, list[Response]] = {code: [] for code in codes}
    for answer in responses_of(study, codes, session=columns.first_session):
        answers[answer.image].append(answer)
    thumbnails = _thumbnails(study, codes)
    return [
        Gallery(
            GALLERIES[name],
            [ShownImage(i, answers[i.code], thumbnails[i.code]) for i in images[:MOST_REPORTED]],
            len(images),
        )
        for name, images in reported.items()
    ]


def _thumbnails(study: Study, codes: set[str]) -> dict[str, bytes]:
    """A thumbnail of each image, or of each set with its images by letter, from left to right, then below."""
    members = members_of_sets(study) if study.shows_sets else {code: [code] for code in codes}
    code_of = {member: code for code in codes for member in members[code]}
    pixels: dict[str, list[Pixels]] = {code: [] for code in codes}
    for image in study.images.select_related("study").filter(code__in=code_of).order_by("code"):
        pixels[code_of[image.code]].append(_pixels_or_placeholder(image))
    return {code: thumbnail(_side_by_side(images)) for code, images in pixels.items()}


def _pixels_or_placeholder(image: StudyImage) -> Pixels:
    try:
        return decode_png(stored_bytes(image.derivative, f"image {image.code}"))
    except LostFileError:
        return placeholder(image.study.canvas)


def _side_by_side(images: list[Pixels]) -> Pixels:
    """One image of one, two or four of the same size."""
    rows = [np.concatenate(images[at : at + 2], axis=1) for at in range(0, len(images), 2)]
    image: Pixels = np.concatenate(rows)
    return image


def exhibit_drawer(cache: ResultCache, results: StudyResults) -> ExhibitDrawer:
    """What draws an exhibit for paper, keeping it."""

    def draw_exhibit(exhibit: Exhibit, kind: str) -> bytes:
        draw = exhibit.draw
        if draw is None:
            raise ValueError(f"{exhibit.name} has no drawing.")
        return cache.bytes(f"{exhibit.name}||print.{kind}", lambda: as_file(draw(results, PRINT), kind))

    return draw_exhibit
