"""The answers to the System Usability Scale as CSV, one row a rater, with the score that they make."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from rating.reading.usability import UsabilityAnswer
from rating.statistics.usability import ITEMS, sus_score
from rating.studies.study import Study


def usability_lines(study: Study) -> Iterator[str]:
    """Raters by pseudonym; an item without an answer is empty."""
    yield _line(["rater", "session", *(f"item_{number}" for number in range(1, ITEMS + 1)), "score"])
    for answer in UsabilityAnswer.by_rater(study):
        sitting = answer.sitting
        yield _line([sitting.enrolment.pseudonym, sitting.session, *answer.items, sus_score(answer.items)])


def _line(cells: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
