"""How often raters were fooled, and how well they tell fake from real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pool.figure_style import Theme, forest, legend, panel
from rating.results.display_names import group_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMED_CURVES = 8
MARKERS = "osD^vPX*"
MORE = ("#a887b8", "#7f9a5a", "#b8899a", "#8d96a0")


def fool_rate_by_rater(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    truth = numbers["truth"]
    rows = [(row["rater"], row["fool_rate"]) for row in truth["per_rater"]]
    if len(rows) > 1:
        rows.append(("All raters", truth["fool_rate"]["estimate"]))
    return _rates(rows, theme)


def fool_rate_by_group(key: str) -> Any:
    """The drawing of the fool rate by generator, checkpoint or modality."""

    def draw(numbers: Mapping[str, Any], theme: Theme) -> Figure:
        groups = numbers["truth"][key]["groups"]
        return _rates([(group_name(row["name"]), row["rate"]["estimate"]) for row in groups], theme)

    return draw


def _rates(rows: list[tuple[str, Any]], theme: Theme) -> Figure:
    figure, (ax,) = panel(theme, height=min(1.2 + 0.32 * len(rows), 20))
    forest(ax, theme, rows)
    ax.set_xlabel("Fakes called real (share, 95 % interval)")
    return figure


def areas_by_kind(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """The AUC of each generator's and each modality's fakes; the line is chance."""
    kinds = numbers["truth"]["told_apart"]
    rows = [
        (group_name(row["name"]), row["area"]["estimate"])
        for key in ("by_generator", "by_modality")
        for row in kinds[key]["groups"]
    ]
    figure, (ax,) = panel(theme, height=min(1.2 + 0.32 * len(rows), 20))
    forest(ax, theme, rows)
    ax.axvline(0.5, color=theme.quiet, linewidth=0.8, linestyle="--")
    ax.set_xlabel("AUC averaged over raters (95 % interval; dashed: chance)")
    return figure


def fool_rate_against_fid(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Each checkpoint whose FID was measured: machine's distance against human belief."""
    groups = numbers["truth"]["by_checkpoint"]["groups"]
    there = [
        row for row in groups if row["fid"] is not None and row["rate"]["estimate"]["estimate"] is not None
    ]
    figure, (ax,) = panel(theme, height=4)
    few = len(there) <= MOST_NAMED_CURVES
    for place, row in enumerate(there):
        rate, colour = row["rate"]["estimate"], _colours(theme)[place % 8] if few else theme.accent
        if rate["ci"]:
            ax.plot([row["fid"]] * 2, rate["ci"], color=colour, linewidth=2, alpha=0.7)
        ax.plot(
            *(row["fid"], rate["estimate"]),
            marker=MARKERS[place % 8] if few else "o",
            linestyle="none",
            color=colour,
            label=group_name(row["name"]) if few else None,
        )
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("Fréchet Inception Distance (lower is nearer to real images)")
    ax.set_ylabel("Fakes called real")
    ax.grid(color=theme.line, linewidth=0.6)
    if few:
        legend(ax, theme, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure


def _colours(theme: Theme) -> tuple[str, ...]:
    return (theme.accent, theme.real, theme.fake, theme.ink, *MORE)


def roc(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    figure, (ax,) = panel(theme, height=4.6)
    curves = numbers["truth"]["curves"]
    few = len(curves) <= MOST_NAMED_CURVES
    for place, curve in enumerate(curves):
        ax.plot(
            curve["false_alarms"],
            curve["hits"],
            marker=MARKERS[place % 8] if few else None,
            color=_colours(theme)[place % 8] if few else theme.accent,
            linewidth=1.5 if few else 0.8,
            alpha=1 if few else 0.5,
            label=curve["rater"] if few else None,
        )
    ax.plot([0, 1], [0, 1], color=theme.quiet, linewidth=0.8, linestyle="--", label="chance")
    ax.set_aspect("equal")
    ax.set_xlabel("Real images called fake")
    ax.set_ylabel("Fakes called fake")
    legend(ax, theme, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def policies(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    from rating.results.display_names import POLICIES

    rows = [
        (f"“Unsure” {POLICIES[row['policy']]}", row["accuracy"]["estimate"])
        for row in numbers["truth"]["policies"]
    ]
    figure, (ax,) = panel(theme, height=2.4)
    forest(ax, theme, rows)
    ax.set_xlabel("Share called what they are (95 % interval)")
    return figure
