"""Stacked counts of labels per rater (figure 5 of Ali et al. 2022), and confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pool.figure_style import Theme, legend, panel
from rating.results.display_names import group_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = ("real", "fake", "unsure")


def by_modality(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    return _stacked(numbers["counts_by_modality"], theme)


def by_truth(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    return _stacked(numbers["truth"]["counts"], theme)


def _stacked(groups: Mapping[str, Mapping[str, Mapping[str, int]]], theme: Theme) -> Figure:
    """One bar per group and rater, counts from the left."""
    bars = [
        (f"{rater} · {group_name(group)}", counts)
        for group, raters in groups.items()
        for rater, counts in raters.items()
        if sum(counts.values())
    ]
    figure, (ax,) = panel(theme, height=min(0.8 + 0.32 * max(len(bars), 2), 20))
    for place, (_, counts) in enumerate(bars):
        start = 0
        for label in LABELS:
            ax.barh(
                place,
                counts[label],
                left=start,
                height=0.7,
                color=theme.of(label),
                label=label if not place else None,
            )
            if counts[label] and len(bars) <= 40:
                ax.text(
                    start + counts[label] / 2,
                    place,
                    str(counts[label]),
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=theme.ground,
                )
            start += counts[label]
    ax.set_yticks(range(len(bars)), [name for name, _ in bars])
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("Images")
    legend(ax, theme, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def confidence(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """How sure raters were, one panel per truth."""
    kinds = numbers["confidence"]
    figure, axes = panel(theme, height=3, columns=len(kinds), share_y=True)
    for ax, (kind, of_label) in zip(axes, kinds.items(), strict=True):
        below = [0] * 5
        for label in LABELS:
            ax.bar(range(1, 6), of_label[label], bottom=below, color=theme.of(label), label=label)
            below = [a + b for a, b in zip(below, of_label[label], strict=True)]
        ax.set_title("All images" if kind == "all" else f"Truly {kind}", fontsize=10)
        ax.set_xlabel("Confidence, 1 guess to 5 certain")
    axes[0].set_ylabel("Ratings")
    legend(axes[-1], theme)
    return figure
