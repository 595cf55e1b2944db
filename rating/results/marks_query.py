"""The marks of a session, in one read of the database."""

from __future__ import annotations

from rating.reading.marks import MARKS, marks_of
from rating.reading.rating import Rating
from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.statistics.columns import StudyColumns
from rating.statistics.marks import Box, MarkResults, mark_results
from rating.studies.enrolment import pseudonym
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study


def marks_in(study: Study, people: StudyColumns, session: int) -> MarkResults | None:
    """What these raters marked on these images at first sight; None where the study lets nobody mark."""
    if not study.lets_mark:
        return None
    refuse_where_ratings_differ(study)
    rows = Rating.objects.filter(
        presentation__sitting__in=Sitting.objects.counted().filter(enrolment__study=study, session=session),
        presentation__kind=Presentation.Kind.MAIN,
    ).values_list(
        "presentation__sitting__enrolment__number", "presentation__study_image__code", f"view_state__{MARKS}"
    )
    boxes: dict[tuple[str, str], list[Box]] = {}
    raters = set(people.raters)
    for number, code, marks in rows:
        if (rater := pseudonym(number)) in raters:
            boxes[rater, code] = [
                (mark["x"], mark["y"], mark["w"], mark["h"]) for mark in marks_of({MARKS: marks})
            ]
    return mark_results(boxes, people.images, people.truth, people.generator)
