"""Forced choice among two or four images: was the one looked for found, and did raters lean to a place?"""

from __future__ import annotations

from rating.results.exhibit import (
    ESTIMATE,
    INTERVAL,
    Cell,
    Exhibit,
    Table,
    estimate_cells,
    of_sets,
    p_cell,
    rate_cells,
)
from rating.results.study_results import BLINDED, StudyResults
from rating.statistics.accuracy.forced_choice import ChoiceAccuracy, ForcedChoice
from rating.statistics.estimate import Estimate

NOT_OF_PAIRS = Estimate.undefined("Given for pairs only.")


def _choice(results: StudyResults) -> ForcedChoice:
    if results.forced_choice is None:
        raise ValueError("The study is no forced choice.")
    return results.forced_choice


def _accuracy(results: StudyResults) -> ChoiceAccuracy:
    accuracy = _choice(results).accuracy
    if accuracy is None:
        raise ValueError(BLINDED)
    return accuracy


def _blinded(results: StudyResults) -> str | None:
    return BLINDED if _choice(results).accuracy is None else None


def _of_pairs(results: StudyResults) -> bool:
    """d′ of two alternatives is given for pairs only."""
    return results.forced_choice is not None and results.forced_choice.size == 2


def share_by_rater(results: StudyResults) -> Table:
    choice, accuracy = _choice(results), _accuracy(results)
    rows: list[list[Cell]] = [
        [row.rater, row.n, row.right, *estimate_cells(row.share), p_cell(row.p), p_cell(row.p_holm)]
        for row in accuracy.raters
    ]
    rows.append(["All raters", None, None, *estimate_cells(accuracy.over_raters.primary), None, None])
    note = (
        f"Guessing finds {choice.chance:g}. A rater's interval is Clopper and Pearson's, p that of the exact binomial test "
        f"against guessing, adjusted by Holm. All raters: {accuracy.over_raters.primary_method}."
    )
    return Table(("Rater", "Sets", "Found", *ESTIMATE, "p", "p (Holm)"), rows, [note])


def sensitivity(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [row.rater, *estimate_cells(row.d or NOT_OF_PAIRS), *rate_cells(row.bias or NOT_OF_PAIRS)]
        for row in _accuracy(results).raters
    ]
    note = "d′ of two alternatives, free of a leaning to one side; leaning above 0: to the right. Log-linear correction."
    return Table(("Rater", "d′", *ESTIMATE[1:], "Leaning", *INTERVAL), rows, [note])


def places(results: StudyResults) -> Table:
    choice = _choice(results)
    rows: list[list[Cell]] = [[row.rater, *row.chosen, p_cell(row.p)] for row in choice.places]
    head = ("Rater", *(f"Place {place + 1}" for place in range(choice.size)), "p, all alike")
    note = "How often each place was chosen; places go from left to right, then below. The image looked for stands at each equally often."
    return Table(head, rows, [note])


def by_place(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [row.place, row.stood, row.right, row.chosen] for row in _accuracy(results).by_place
    ]
    return Table(("Place", "The image stood there", "and was found", "Chosen in all"), rows)


EXHIBITS = (
    Exhibit(
        "found",
        "How often each rater found the image",
        share_by_rater,
        missing=_blinded,
        words="Each presentation showed several images, and raters had to say which one was looked for.",
        fits=of_sets,
    ),
    Exhibit(
        "choice-sensitivity",
        "How well they tell the two apart",
        sensitivity,
        missing=_blinded,
        fits=_of_pairs,
    ),
    Exhibit("places", "Which places were chosen", places, fits=of_sets),
    Exhibit("found-by-place", "Found, by place", by_place, missing=_blinded, fits=of_sets),
)
