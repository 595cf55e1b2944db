"""How many raters and images a study needs: five questions, each answered by curves. No Django.

Fool rate: the half-width of the interval for raters like these, with a spread between raters and the images'
own chance, by Student's t over the raters. Kappa: Donner & Eliasziw 1992, its interval Donner & Rotondi 2010. Comparison of two arms or models:
Hillis, Obuchowski & Berbaum 2011, likewise the share of an arena.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt

from pool.figure_style import Theme, dress, legend, matplotlib
from rating.statistics.planning import (
    Pilot,
    arena_power,
    images_for_kappa,
    images_for_kappa_interval,
    reader_power,
)

CONFIDENCE = 0.975
# The worked example of Hillis, Obuchowski & Berbaum 2011 (Van Dyke's cine MRI study).
VAN_DYKE = Pilot(114, 0.0002, 0.0008, 0.000346, 0.000344, 0.000239)
RATERS = (3, 4, 6, 10, 20)
IMAGES = (20, 40, 60, 100, 200, 400, 1000)


@dataclass(frozen=True, slots=True)
class Curves:
    """A table of numbers, `values[curve][x]`, and the words around it."""

    title: str
    x_name: str
    y_name: str
    x: tuple[float, ...]
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    goal: float | None = None

    def rows(self) -> list[tuple[str, list[str]]]:
        """Each curve as words for a table."""
        return [(name, [_words(value) for value in values]) for name, values in self.curves.items()]


def fool_rate(rate: float, sd: float) -> Curves:
    """Half-width of the 95 % interval of the mean fool rate, by raters and images."""
    curves: dict[str, list[float | None]] = {
        f"{raters} raters": [fool_rate_half_width(rate, sd, raters, images) for images in IMAGES]
        for raters in RATERS
    }
    return Curves(
        "How wide the interval of the fool rate is",
        "generated images each rater reads",
        "± of the 95 % interval",
        IMAGES,
        curves,
    )


def fool_rate_half_width(rate: float, sd: float, raters: int, images: int) -> float:
    """`sd` is the standard deviation of the raters' own rates."""
    from scipy import stats

    variance = sd**2 / raters + rate * (1 - rate) / (raters * images)
    return float(stats.t.ppf(CONFIDENCE, raters - 1)) * sqrt(variance)


def kappa(expected: float, share: float) -> Curves:
    """Images needed to tell the expected kappa from smaller ones, by raters; 80 % power."""
    return Curves(
        f"How many images tell a κ of {expected:g} from a smaller one",
        "the smaller κ",
        "images (80 % power)",
        _below(expected),
        _by_raters(images_for_kappa, expected, share),
    )


def kappa_interval(expected: float, share: float) -> Curves:
    """Images needed for an interval of the expected kappa that ends at smaller ones, by raters."""
    return Curves(
        f"How many images make the interval of a κ of {expected:g} so narrow",
        "lower end of the 95 % interval",
        "images",
        _below(expected),
        _by_raters(images_for_kappa_interval, expected, share),
    )


def _below(expected: float) -> tuple[float, ...]:
    return tuple(round(expected - step, 2) for step in (0.1, 0.15, 0.2, 0.25, 0.3) if expected - step >= 0)


def _by_raters(needed: Callable[..., int], expected: float, share: float) -> dict[str, list[float | None]]:
    return {
        f"{raters} raters": [needed(low, expected, [share, 1 - share], raters) for low in _below(expected)]
        for raters in (2, 3, 5, 10)
    }


def comparison(effect: float) -> Curves:
    """Power to find a difference of two AUCs with random raters and images."""
    raters = (3, 4, 5, 6, 8, 10, 15, 20)
    curves: dict[str, list[float | None]] = {
        f"{images} images": [reader_power(VAN_DYKE, n, images, effect).power for n in raters]
        for images in (40, 80, 160, 320)
    }
    return Curves(
        f"How surely a difference of {effect:g} in AUC is found",
        "raters",
        "power",
        raters,
        curves,
        goal=0.8,
    )


def arena(chosen_share: float, rater_sd: float, shared_variance: float) -> Curves:
    """Power to find that one of two generators looks more real, by raters and pairs of the two."""
    pairs = (10, 20, 40, 60, 100, 200)
    curves: dict[str, list[float | None]] = {
        f"{raters} raters": [arena_power(chosen_share, rater_sd, shared_variance, raters, n) for n in pairs]
        for raters in RATERS
    }
    return Curves(
        f"How surely an arena finds a generator that is chosen in {chosen_share:g} of decided answers",
        "pairs of the two generators that each rater reads",
        "power",
        pairs,
        curves,
        goal=0.8,
    )


QUESTIONS: dict[str, tuple[Callable[..., Curves], Sequence[str]]] = {
    "fool-rate": (fool_rate, ("rate", "rater_sd")),
    "kappa-interval": (kappa_interval, ("expected", "share")),
    "kappa": (kappa, ("expected", "share")),
    "comparison": (comparison, ("effect",)),
    "arena": (arena, ("chosen_share", "rater_sd", "shared_variance")),
}


def svg(curves: Curves, theme: Theme) -> bytes:
    """The curves as an image in the theme's colours."""
    figure = matplotlib().figure.Figure(figsize=(7.2, 3.6), facecolor=theme.ground, layout="constrained")
    axes = figure.add_subplot()
    dress(axes, theme)
    shades = (theme.accent, theme.fake, theme.real, theme.ink, theme.unsure)
    for (name, values), shade in zip(curves.curves.items(), shades, strict=False):
        axes.plot(curves.x, [float("nan") if v is None else v for v in values], "o-", color=shade, label=name)
    if curves.goal is not None:
        axes.axhline(curves.goal, color=theme.ink, linestyle=":", linewidth=1)
    above = [x for x in curves.x if x > 0]
    if above and max(above) > 45 * min(above):
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(curves.x, [f"{x:g}" for x in curves.x])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(curves.x_name)
    axes.set_ylabel(curves.y_name)
    axes.grid(color=theme.line, linewidth=0.5)
    # Beside the axes, where no curve runs.
    legend(axes, theme, loc="center left", bbox_to_anchor=(1, 0.5))
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _words(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 2 else f"{value:.2f}"
