"""What the figures of several questions have in common: estimates with intervals, and stacked counts of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pool.figure_style import Theme, forest, legend, panel
from rating.results.display_names import group_name
from rating.statistics.agreement.report import RaterCounts
from rating.statistics.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = ("real", "fake", "unsure")
MOST_BARS_WITH_NUMBERS = 40
MOST_CURVES_NAMED = 8
MARKERS = "osD^vPX*"
MORE_COLOURS = ("#a887b8", "#7f9a5a", "#b8899a", "#8d96a0")


def colours(theme: Theme) -> tuple[str, ...]:
    """Eight colours that can be told from each other on the theme's ground."""
    return (theme.accent, theme.real, theme.fake, theme.ink, *MORE_COLOURS)


def draw_estimates(
    ax: Axes, theme: Theme, rows: list[tuple[str, Estimate]], *, unit: tuple[float, float] | None = (0, 1)
) -> None:
    """Estimates with their intervals, the first row on top."""
    forest(ax, theme, rows, unit=unit)


def estimates_height(rows: int) -> float:
    """Inches that a figure of so many estimates is high."""
    return min(1.2 + 0.32 * rows, 20)


def estimates_figure(
    rows: list[tuple[str, Estimate]],
    theme: Theme,
    label: str,
    *,
    chance: float | None = None,
    unit: tuple[float, float] | None = (0, 1),
) -> Figure:
    """A figure of shares or areas, or of what has no bounds; chance: where a dashed line stands."""
    figure, (ax,) = panel(theme, height=estimates_height(len(rows)))
    draw_estimates(ax, theme, rows, unit=unit)
    if chance is not None:
        ax.axvline(chance, color=theme.quiet, linewidth=0.8, linestyle="--")
    ax.set_xlabel(label)
    return figure


def stacked_labels(groups: Mapping[str, RaterCounts], theme: Theme) -> Figure:
    """One bar per group and rater, counts from the left (figure 5 of Ali et al. 2022)."""
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
            name = None if place else label
            ax.barh(place, counts[label], left=start, height=0.7, color=theme.of(label), label=name)
            if counts[label] and len(bars) <= MOST_BARS_WITH_NUMBERS:
                _number(ax, theme, start + counts[label] / 2, place, counts[label])
            start += counts[label]
    ax.set_yticks(range(len(bars)), [name for name, _ in bars])
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("Images")
    legend(ax, theme, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def _number(ax: Axes, theme: Theme, x: float, place: int, n: int) -> None:
    ax.text(x, place, str(n), ha="center", va="center", fontsize=8, color=theme.ground)
