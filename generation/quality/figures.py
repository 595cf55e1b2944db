"""The report's figures: distances by extractor, and grey levels and spectra, real against fake, each with the band of nine in ten images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from generation.metrics.number import Number
from generation.quality.models import Part
from pool.figure_style import Theme, legend, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 3.4
NAMES = {
    "grey_levels": ("Grey level (0 black, 1 white)", "Share of pixels"),
    "spectrum": ("Frequency (cycles per pixel)", "log10 of power"),
}


class Curve(TypedDict):
    """The band of one arm."""

    at: list[float]
    low: list[float]
    mean: list[float]
    high: list[float]


def curves_figure(name: str, curves: Mapping[str, Curve], theme: Theme) -> Figure:
    """One figure of `NAMES`, from the bands of both arms."""
    figure, (ax,) = panel(theme, height=HEIGHT)
    for arm, words, colour in (("real", "real images", theme.real), ("fake", "fakes", theme.fake)):
        curve = curves[arm]
        ax.fill_between(curve["at"], curve["low"], curve["high"], color=colour, alpha=0.25, linewidth=0)
        ax.plot(curve["at"], curve["mean"], color=colour, linewidth=2, label=words)
    across, up = NAMES[name]
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    legend(ax, theme, loc="upper right")
    return figure


DISTANCES = "distances"
DRAWN = ("fid", "frd")
MOST_PARTS = 12
PART_HEIGHT = 0.34


def distances_figure(parts: Sequence[Part], theme: Theme) -> Figure:
    """A panel for each extractor: its Fréchet distance with the interval, of all fakes and of each part that has one."""
    parts = parts[:MOST_PARTS]
    names = [number.name for number in parts[0].numbers if number.key in DRAWN]
    figure, panels = panel(theme, height=1.4 + PART_HEIGHT * len(parts), columns=len(names), share_y=True)
    for ax, name in zip(panels, names, strict=True):
        for place, part in enumerate(parts):
            _draw(ax, place, next(number for number in part.numbers if number.name == name), theme)
        ax.set_xlabel(name.replace(" (", "\n(", 1), fontsize=8)
        ax.locator_params(axis="x", nbins=4)
    labels = [part.name or part.kind for part in parts]
    panels[0].set_yticks(
        range(len(parts)), [label if len(label) < 24 else f"{label[:23]}…" for label in labels]
    )
    panels[0].set_ylim(len(parts) - 0.5, -0.5)
    return figure


def _draw(ax: Axes, place: int, number: Number, theme: Theme) -> None:
    if number.estimate is None:
        return
    ax.plot([number.estimate], [place], "o", color=theme.fake, markersize=5)
    if number.ci:
        ax.plot(list(number.ci), [place, place], color=theme.fake, linewidth=2)
