"""How usable did raters find the site? The System Usability Scale, where the study asks it."""

from __future__ import annotations

from rating.results.exhibit import ESTIMATE, Cell, Exhibit, Table, estimate_cells
from rating.results.study_results import StudyResults
from rating.statistics.usability import Usability

HOW = (
    "Score 0 to 100: 2.5 times the sum of each odd item less 1 and of 5 less each even item; an item without an answer "
    "counts as 3 (Brooke 1996). Mean over raters with Student's t interval, not cut to 0 … 100. It is not in the log's "
    "chains, as it is no rating."
)


def _of(results: StudyResults) -> Usability:
    if results.usability is None:
        raise ValueError("This study does not ask how usable the site is.")
    return results.usability


def score(results: StudyResults) -> Table:
    part = _of(results)
    return Table(
        ("Score", "n", "SD", *ESTIMATE), [["SUS", part.n, part.sd, *estimate_cells(part.mean)]], [HOW]
    )


def by_rater(results: StudyResults) -> Table:
    part = _of(results)
    rows: list[list[Cell]] = [list(row) for row in zip(part.raters, part.scores, strict=True)]
    return Table(("Rater", "SUS"), rows)


def is_asked(results: StudyResults) -> bool:
    """Of studies that ask it."""
    return results.usability is not None


def _nobody(results: StudyResults) -> str | None:
    return None if _of(results).n else _of(results).mean.reason


EXHIBITS = (
    Exhibit(
        "usability",
        "System Usability Scale",
        score,
        missing=_nobody,
        words="Ten questions at the end of a rater's last sitting.",
        fits=is_asked,
    ),
    Exhibit("usability-by-rater", "Each rater's score", by_rater, missing=_nobody, fits=is_asked),
)
