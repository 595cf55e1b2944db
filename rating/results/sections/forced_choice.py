"""Forced choice among two or four images: was the one looked for found, and did raters lean to a place?"""

from __future__ import annotations

from rating.results.exhibit import (
    ESTIMATE,
    UNBLIND,
    Cell,
    Exhibit,
    Numbers,
    Table,
    estimate_cells,
    of_sets,
    p_cell,
    rate_cells,
)


def _blinded(numbers: Numbers) -> str | None:
    return None if numbers["choice"]["found"] else UNBLIND


def _of_pairs(numbers: Numbers) -> bool:
    """d′ of two alternatives is given for pairs only."""
    return of_sets(numbers) and numbers["choice"]["size"] == 2


def found_table(numbers: Numbers) -> Table:
    choice = numbers["choice"]
    over = choice["found"]["over_raters"]
    rows: list[list[Cell]] = [["All raters", None, None, *estimate_cells(over["estimate"]), None, None]]
    rows = [
        [
            row["rater"],
            row["n"],
            row["right"],
            *estimate_cells(row["share"]),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
        ]
        for row in choice["found"]["raters"]
    ] + rows
    note = (
        f"Guessing finds {choice['chance']:g}. A rater's interval is Clopper and Pearson's, p that of the exact binomial test "
        "against guessing, adjusted by Holm. All raters: over raters and sets like these (U-statistic)."
    )
    return Table(("Rater", "Sets", "Found", *ESTIMATE, "p", "p (Holm)"), rows, [note])


def sensitivity(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [row["rater"], *estimate_cells(row["d"]), *rate_cells(row["bias"])]
        for row in numbers["choice"]["found"]["raters"]
    ]
    note = "d′ of two alternatives, free of a leaning to one side; leaning above 0: to the right. Log-linear correction."
    return Table(("Rater", "d′", *ESTIMATE[1:], "Leaning", "95 % from", "to"), rows, [note])


def places(numbers: Numbers) -> Table:
    choice = numbers["choice"]
    rows: list[list[Cell]] = [[row["rater"], *row["chosen"], p_cell(row["p"])] for row in choice["places"]]
    head = ("Rater", *(f"Place {place + 1}" for place in range(choice["size"])), "p, all alike")
    note = "How often each place was chosen; places go from left to right, then below. The image looked for stands at each equally often."
    return Table(head, rows, [note])


def by_place(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [row["place"], row["stood"], row["right"], row["chosen"]]
        for row in numbers["choice"]["found"]["by_place"]
    ]
    return Table(("Place", "The image stood there", "and was found", "Chosen in all"), rows)


EXHIBITS = (
    Exhibit(
        "found",
        "How often each rater found the image",
        found_table,
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
