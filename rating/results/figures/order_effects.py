"""Time per case and what changes along the sitting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pool.figure_style import Theme, legend, panel
from rating.statistics.order_effects import KNOWS_AI

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_RATERS = 40


def times(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Medians with quartiles, by label, by correctness and by rater."""
    spreads = numbers["times"]
    rows = [("All", spreads["all"]), *spreads["by_label"].items(), *spreads["by_correctness"].items()]
    if len(spreads["by_rater"]) <= MOST_RATERS:
        rows += list(spreads["by_rater"].items())
    rows = [(name, quartiles) for name, quartiles in rows if quartiles["n"]]
    figure, (ax,) = panel(theme, height=1.2 + 0.3 * len(rows))
    for place, (_, quartiles) in enumerate(rows):
        ax.plot([quartiles["q1"], quartiles["q3"]], [place, place], color=theme.accent, linewidth=3)
        ax.plot(quartiles["median"], place, "o", color=theme.ink)
    ax.set_yticks(range(len(rows)), [f"{name} (n {quartiles['n']})" for name, quartiles in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.set_xlabel("Seconds per case: median and quartiles")
    ax.grid(axis="x", color=theme.line, linewidth=0.6)
    return figure


def position(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Each quarter of the sitting: called fake, called right, and time."""
    quarters = numbers["course"]["quarters"]
    timed = any(row["seconds"]["n"] for row in quarters)
    figure, axes = panel(theme, height=3, columns=2 if timed else 1)
    series = [("called_fake", "called fake", theme.fake)]
    if quarters[0]["right"] is not None:
        series.append(("right", "called right", theme.real))
    for key, name, colour in series:
        there = [row for row in quarters if row[key]["estimate"] is not None]
        middle = [row[key]["estimate"] for row in there]
        low, high = ([row[key]["ci"][side] for row in there] for side in (0, 1))
        x = [row["quarter"] for row in there]
        axes[0].plot(x, middle, "o-", color=colour, label=name)
        axes[0].fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes[0].set_ylim(0, 1)
    axes[0].set_ylabel("Share of ratings")
    legend(axes[0], theme)
    if timed:
        there = [row for row in quarters if row["seconds"]["n"]]
        x = [row["quarter"] for row in there]
        axes[1].plot(x, [row["seconds"]["median"] for row in there], "o-", color=theme.ink)
        axes[1].fill_between(
            x,
            [r["seconds"]["q1"] for r in there],
            [r["seconds"]["q3"] for r in there],
            color=theme.accent,
            alpha=0.3,
            linewidth=0,
        )
        axes[1].set_ylim(bottom=0)
        axes[1].set_ylabel("Seconds: median and quartiles")
    for ax in axes:
        ax.set_xticks(range(1, 5))
        ax.set_xlabel("Quarter of the sitting")
    return figure


def experience(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Each rater's share called right against the years of reading; filled: uses AI."""
    figure, (ax,) = panel(theme, height=3.4)
    profiles = [
        row for row in numbers["truth"]["profile"]["raters"] if None not in {row["years"], row["value"]}
    ]
    groups = (("uses AI", theme.accent, True), ("does not, or did not say", theme.quiet, False))
    for name, colour, uses in groups:
        raters = [row for row in profiles if (row["knowledge"] in KNOWS_AI) is uses]
        ax.plot(
            [row["years"] for row in raters],
            [row["value"] for row in raters],
            "o" if uses else "s",
            color=colour,
            label=name,
        )
    if len(profiles) <= MOST_RATERS:
        for row in profiles:
            ax.annotate(
                row["rater"],
                (row["years"], row["value"]),
                xytext=(5, 4),
                textcoords="offset points",
                color=theme.quiet,
                fontsize=8,
            )
    note = "" if profiles else "No rater said for how many years."
    ax.text(0.5, 0.5, note, color=theme.quiet, ha="center", transform=ax.transAxes)
    ax.set_xlim(left=0)
    ax.set_ylim(0, 1)
    ax.set_xlabel("Years of reading")
    ax.set_ylabel("Share called right")
    ax.grid(color=theme.line, linewidth=0.6)
    legend(ax, theme, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure
