"""How sure were raters, by what the image is and what it was called?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pool.figure_style import legend, panel
from rating.results.exhibit import Cell, Exhibit, Table
from rating.results.study_results import StudyResults
from rating.statistics.columns import StudyColumns
from rating.statistics.ratings_table import LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

DEGREES = range(1, 6)
ALL = "all"
NO_CONFIDENCE = "Raters were not asked how sure they are, or did not say."

ConfidenceCounts = dict[str, dict[str, list[int]]]  # {truth or "all": {label: how many at each degree}}


def confidence_counts(columns: StudyColumns, session: int) -> ConfidenceCounts | None:
    """How often each degree of confidence was given; None where nobody was asked."""
    counted = columns.main(session) & (columns.confidence > 0)
    if not counted.any():
        return None
    label, sure = columns.label[counted], columns.confidence[counted]
    truth = np.array(columns.truth, dtype=object)[columns.image[counted]]
    kinds = ("real", "fake") if columns.truth_is_known else ("",)
    return {
        kind or ALL: {
            word: [int(((truth == kind) & (label == code) & (sure == degree)).sum()) for degree in DEGREES]
            for code, word in enumerate(LABELS)
        }
        for kind in kinds
    }


def confidence(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        ["" if kind == ALL else kind, label, *counts]
        for kind, of_label in (results.confidence or {}).items()
        for label, counts in of_label.items()
    ]
    return Table(("Truth", "Label", "1 (guess)", "2", "3", "4", "5 (certain)"), rows)


def draw_confidence(results: StudyResults, theme: Theme) -> Figure:
    """How sure raters were, one panel per truth."""
    kinds = results.confidence or {}
    figure, axes = panel(theme, height=3, columns=len(kinds), share_y=True)
    for ax, (kind, of_label) in zip(axes, kinds.items(), strict=True):
        below = [0] * len(DEGREES)
        for label in LABELS:
            ax.bar(DEGREES, of_label[label], bottom=below, color=theme.of(label), label=label)
            below = [a + b for a, b in zip(below, of_label[label], strict=True)]
        ax.set_title("All images" if kind == ALL else f"Truly {kind}", fontsize=10)
        ax.set_xlabel("Confidence, 1 guess to 5 certain")
    axes[0].set_ylabel("Ratings")
    legend(axes[-1], theme)
    return figure


EXHIBITS = (
    Exhibit(
        "confidence",
        "How sure raters were",
        confidence,
        draw_confidence,
        missing=lambda results: None if results.confidence else NO_CONFIDENCE,
        words="How often each degree of confidence was given, by what the image is and what it was called.",
    ),
)
