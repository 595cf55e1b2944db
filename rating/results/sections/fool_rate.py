"""How often were raters fooled? The fool rate of each rater, and every label by truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rating.results.display_names import POLICIES, group_name
from rating.results.drawing import estimates_figure, stacked_labels
from rating.results.exhibit import (
    INTERVAL,
    NOTE,
    Cell,
    Exhibit,
    Table,
    no_fakes,
    rate_cells,
    why_undefined,
)
from rating.results.study_results import StudyResults
from rating.statistics.accuracy.detection import Detection
from rating.statistics.agreement.report import RaterCounts, counts_by_group
from rating.statistics.columns import StudyColumns
from rating.statistics.ratings_table import RatingsTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

CUTS = (
    "d′ and criterion by one cut for both kinds of image, whatever “unsure” counts as: “fake” against the rest, and “fake” or "
    "“unsure” against “real”. Log-linear correction (Hautus 1995)."
)


def counts_by_truth(columns: StudyColumns, table: RatingsTable) -> dict[str, RaterCounts]:
    """The labels of each rater by modality and truth."""
    groups = [f"{kind}, {word}" for kind, word in zip(columns.modality, columns.truth, strict=True)]
    return counts_by_group(table, groups)


def labels_by_truth(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [group_name(group), rater, n["real"], n["fake"], n["unsure"], sum(n.values())]
        for group, raters in results.known_truth.counts.items()
        for rater, n in raters.items()
        if sum(n.values())
    ]
    return Table(("Images", "Rater", "Real", "Fake", "Unsure", "n"), rows)


def fool_rate_by_rater(results: StudyResults) -> Table:
    truth = results.known_truth
    rows: list[list[Cell]] = []
    fakes = fooled = 0
    for row in truth.per_rater:
        calls = row.table["fake"]
        n = sum(calls.values())
        fakes, fooled = fakes + n, fooled + calls["real"]
        rows.append([row.rater, n, calls["real"], *rate_cells(row.fool_rate), row.fool_rate.reason or ""])
    overall = truth.fool_rate.primary
    if len(rows) > 1:
        rows.append(["All raters", fakes, fooled, *rate_cells(overall), overall.reason or ""])
    notes = [
        "Each rater's interval is Wilson's. “Unsure” is not “real”, so it counts as not fooled, whatever the policy.",
        f"All raters: {truth.fool_rate.primary_method}; pooling ratings as if independent would be far too narrow.",
    ]
    return Table(("Rater", "Fakes rated", "Called real", "Fool rate", *INTERVAL, "Note"), rows, notes)


def draw_fool_rate_by_rater(results: StudyResults, theme: Theme) -> Figure:
    truth = results.known_truth
    rows = [(row.rater, row.fool_rate) for row in truth.per_rater]
    if len(rows) > 1:
        rows.append(("All raters", truth.fool_rate.primary))
    return estimates_figure(rows, theme, "Fakes called real (share, 95 % interval)")


def draw_labels_by_truth(results: StudyResults, theme: Theme) -> Figure:
    return stacked_labels(results.known_truth.counts, theme)


def per_rater(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            row.rater,
            *rate_cells(row.sensitivity),
            *rate_cells(row.specificity),
            *_cut_cells(row.detection.fake),
            *_cut_cells(row.detection.fake_or_unsure),
            *rate_cells(row.auc),
            why_undefined(row.sensitivity, row.specificity, row.detection.fake.d, row.auc),
        ]
        for row in results.known_truth.per_rater
    ]
    head = (
        *("Rater", "Sensitivity", *INTERVAL, "Specificity", *INTERVAL),
        *("d′, fake", "SE", "Criterion", "d′, fake or unsure", "SE", "Criterion", "AUC", *INTERVAL, NOTE),
    )
    return Table(
        head,
        rows,
        [f"Sensitivity and specificity: “unsure” {POLICIES[results.policy]}, {results.policy_origin}.", CUTS],
    )


def _cut_cells(cut: Detection) -> list[Cell]:
    return [cut.d.estimate, cut.d.se, cut.criterion.estimate]


EXHIBITS = (
    Exhibit(
        "fool-rate-by-rater",
        "How often each rater was fooled",
        fool_rate_by_rater,
        draw_fool_rate_by_rater,
        True,
        no_fakes,
        "The share of fakes that a rater called real.",
    ),
    Exhibit(
        "labels-by-truth",
        "What each rater called them, by truth",
        labels_by_truth,
        draw_labels_by_truth,
        True,
        words="The 3 × 2 table of each rater: every label, for real images and for fakes apart.",
    ),
    Exhibit(
        "per-rater",
        "Each rater against the truth",
        per_rater,
        None,
        True,
        words="Sensitivity: the share of fakes called fake; specificity: of real images called real. d′ says how far apart a rater "
        "sees the two (0: not at all), the criterion which way they lean (above 0: slow to say fake). AUC: how often a fake "
        "was put above a real image; 0.5 is guessing.",
    ),
)
