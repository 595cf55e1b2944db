"""How often raters were fooled, and how well they tell fake from real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pool.figure_style import Theme, forest, legend, panel
from rating.report.words import group_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMED_CURVES = 8
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


def fool_rate_against_fid(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Each checkpoint whose FID was measured: machine's distance against human belief."""
    figure, (ax,) = panel(theme, height=4)
    for row in numbers["truth"]["by_checkpoint"]["groups"]:
        rate = row["rate"]["estimate"]
        if row["fid"] is None or rate["estimate"] is None:
            continue
        if rate["ci"]:
            ax.plot([row["fid"]] * 2, rate["ci"], color=theme.accent, linewidth=2)
        ax.plot(row["fid"], rate["estimate"], "o", color=theme.ink)
        ax.annotate(
            row["name"],
            (row["fid"], rate["estimate"]),
            xytext=(6, 4),
            textcoords="offset points",
            color=theme.quiet,
            fontsize=8,
        )
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("Fréchet Inception Distance (lower is nearer to real images)")
    ax.set_ylabel("Fakes called real")
    ax.grid(color=theme.line, linewidth=0.6)
    return figure


def roc(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    figure, (ax,) = panel(theme, height=4.6)
    curves = numbers["truth"]["curves"]
    few = len(curves) <= MOST_NAMED_CURVES
    markers = "osD^vPX*"
    for place, curve in enumerate(curves):
        ax.plot(
            curve["false_alarms"],
            curve["hits"],
            marker=markers[place % len(markers)] if few else None,
            color=(theme.accent, theme.real, theme.fake, theme.ink, *MORE)[place % 8]
            if few
            else theme.accent,
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
    from rating.report.words import POLICIES

    rows = [
        (f"“Unsure” {POLICIES[row['policy']]}", row["accuracy"]["estimate"])
        for row in numbers["truth"]["policies"]
    ]
    figure, (ax,) = panel(theme, height=2.4)
    forest(ax, theme, rows)
    ax.set_xlabel("Share called what they are (95 % interval)")
    return figure
