"""What did raters call the images? Nothing here depends on the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rating.results.display_names import group_name
from rating.results.drawing import stacked_labels
from rating.results.exhibit import Cell, Exhibit, Table
from rating.results.study_results import StudyResults

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme


def labels_by_modality(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [group_name(group), rater, n["real"], n["fake"], n["unsure"], sum(n.values())]
        for group, raters in results.counts_by_modality.items()
        for rater, n in raters.items()
        if sum(n.values())
    ]
    return Table(("Modality", "Rater", "Real", "Fake", "Unsure", "n"), rows)


def draw_labels_by_modality(results: StudyResults, theme: Theme) -> Figure:
    return stacked_labels(results.counts_by_modality, theme)


EXHIBITS = (
    Exhibit(
        "labels-by-modality",
        "What each rater called them, by modality",
        labels_by_modality,
        draw_labels_by_modality,
        words="How often each rater called an image real, fake or unsure.",
    ),
)
