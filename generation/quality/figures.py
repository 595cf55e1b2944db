"""The report's figures: grey levels and spectra, real against fake, each with the band of nine in ten images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from pool.figure_style import Theme, legend, panel

if TYPE_CHECKING:
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
