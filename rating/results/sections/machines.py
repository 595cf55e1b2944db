"""Machines that read what the raters read: always marked, always beside."""

from __future__ import annotations

from rating.results.exhibit import INTERVAL, Cell, Exhibit, Table, rate_cells
from rating.results.study_results import StudyResults
from rating.statistics.estimate import Estimate

NO_MACHINE = "No machine was enrolled in this study."
BESIDE = "Machines are in no other number of this report."
NO_TRUTH = Estimate(None)


def labels(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    for row in results.machines:
        most, kappa = row.with_most_raters, row.with_most_raters.kappa.kappa
        rows.append(
            [
                *(row.rater, row.name, *row.counts.values(), most.n, *rate_cells(most.same)),
                *(kappa.estimate, kappa.reason or ""),
            ]
        )
    names = [label.capitalize() for label in results.machines[0].counts]
    head = ("Machine", "What it is", *names, "n", "Same as most raters", *INTERVAL, "Cohen κ", "Note")
    note = "n: images that it rated and that most raters gave one label."
    return Table(head, rows, [note, BESIDE])


def accuracy(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    for row in results.machines:
        truth, auc = row.truth, row.auc or NO_TRUTH
        shares = (truth.fool_rate, truth.sensitivity, truth.specificity) if truth else (NO_TRUTH,) * 3
        rows.append(_row(row.rater, row.name, (*shares, auc)))
    people = results.known_truth
    declared = people.policy(results.policy)
    averages = (people.fool_rate, declared.sensitivity, declared.specificity, people.auc.u_statistic)
    words = f"averaged; {people.fool_rate.primary_method}"
    rows.append(_row("People", words, tuple(average.primary for average in averages)))
    names = ("Fool rate", "Sensitivity", "Specificity", "AUC")
    head = ("Rater", "What it is", *(cell for name in names for cell in (name, *INTERVAL)), "Note")
    note = "A machine's AUC is over its own probabilities, people's over real < unsure < fake; a machine's intervals are of images like these only."
    return Table(head, rows, [note, BESIDE])


def _row(rater: str, words: str, shares: tuple[Estimate, ...]) -> list[Cell]:
    return [rater, words, *(cell for share in shares for cell in rate_cells(share)), shares[-1].reason or ""]


def _no_machine(results: StudyResults) -> str | None:
    return None if results.machines else NO_MACHINE


EXHIBITS = (
    Exhibit("machine-labels", "What machines called them", labels, missing=_no_machine),
    Exhibit("machines", "Machines beside people", accuracy, None, True, _no_machine),
)
