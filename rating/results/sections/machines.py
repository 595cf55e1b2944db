"""Machines that were shown what the raters saw: always marked, always beside."""

from __future__ import annotations

from rating.results.exhibit import Cell, Exhibit, Numbers, Table, rate_cells

NO_MACHINE = "No machine was enrolled in this study."
BESIDE = "Machines are in no other number of this report."
INTERVAL = ("95 % from", "to")


def labels(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in numbers["machines"]:
        agreement = row["with_most_raters"]
        rows.append(
            [
                *(row["rater"], row["name"], *row["counts"].values(), agreement["n"]),
                *(*rate_cells(agreement["same"]), agreement["kappa"]["kappa"]["estimate"]),
                agreement["kappa"]["kappa"]["reason"] or "",
            ]
        )
    label_heads = [label.capitalize() for label in numbers["machines"][0]["counts"]]
    head = ("Machine", "What it is", *label_heads, "n", "Same as most raters", *INTERVAL, "Cohen κ", "Note")
    note = "n: images that it rated and that most raters gave one label."
    return Table(head, rows, [note, BESIDE])


def against_truth(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row["rater"], row["name"]),
            *(cell for name in RATES for cell in rate_cells(row["truth"][name])),
            *rate_cells(row["auc"]),
            row["auc"]["reason"] or "",
        ]
        for row in numbers["machines"]
    ]
    truth = numbers["truth"]
    declared = next(row for row in truth["policies"] if row["policy"] == numbers["policy"])
    rows.append(
        [
            *("People", "averaged, with the interval of raters like these"),
            *rate_cells(truth["fool_rate"]["estimate"]),
            *rate_cells(declared["sensitivity"]["estimate"]),
            *rate_cells(declared["specificity"]["estimate"]),
            *rate_cells(truth["auc"]["u_statistic"]["estimate"]),
            truth["auc"]["u_statistic"]["estimate"]["reason"] or "",
        ]
    )
    rates = [cell for name in RATES.values() for cell in (name, *INTERVAL)]
    note = "A machine's AUC is over its own probabilities, people's over real < unsure < fake; a machine's intervals are of images like these only."
    return Table(("Rater", "What it is", *rates, "AUC", *INTERVAL, "Note"), rows, [note, BESIDE])


RATES = {"fool_rate": "Fool rate", "sensitivity": "Sensitivity", "specificity": "Specificity"}


def _none(numbers: Numbers) -> str | None:
    return None if numbers["machines"] else NO_MACHINE


EXHIBITS = (
    Exhibit("machine-labels", "What machines called them", labels, missing=_none),
    Exhibit("machines", "Machines beside people", against_truth, None, True, _none),
)
