"""A run's loss by step, smoothed, drawn in the style of the other figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pool.figure_style import Theme, legend, panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 2.4
SMOOTHED_OVER = 0.15


@dataclass(frozen=True)
class LossCurve:
    """The loss at each kept step: as it was, and smoothed."""

    steps: list[int]
    losses: list[float]
    smoothed: list[float]
    validation: Sequence[tuple[int, float]] = ()

    @classmethod
    def of(
        cls, curve: Sequence[Sequence[float]], validation: Sequence[tuple[int, float]] = ()
    ) -> LossCurve | None:
        """None while there are too few points to draw. `validation` is the loss on held-out images by step."""
        if len(curve) < 2:
            return None
        losses = [row[1] for row in curve]
        return cls([int(row[0]) for row in curve], losses, _smoothed(losses), validation)

    @property
    def lowest(self) -> float:
        return min(self.smoothed)

    @property
    def highest(self) -> float:
        return max(self.smoothed)


def loss_by_step(curve: LossCurve, theme: Theme) -> Figure:
    """The smoothed line over the single values."""
    figure, (ax,) = panel(theme, height=HEIGHT)
    ax.plot(curve.steps, curve.losses, color=theme.quiet, linewidth=0.6, alpha=0.5)
    ax.plot(curve.steps, curve.smoothed, color=theme.accent, linewidth=2)
    if curve.validation:
        steps, losses = zip(*curve.validation, strict=True)
        ax.plot(steps, losses, "o--", color=theme.fake, linewidth=1.5, markersize=5, label="held-out images")
        legend(ax, theme, loc="upper right")
    ax.set_xlim(curve.steps[0], curve.steps[-1])
    ax.set_xlabel("Training step")
    ax.set_ylabel("Loss")
    ax.grid(axis="y", color=theme.line, linewidth=0.6)
    ax.set_axisbelow(True)
    return figure


def _smoothed(values: Sequence[float]) -> list[float]:
    """An exponential mean that starts at the first value."""
    out = [values[0]]
    for value in values[1:]:
        out.append(out[-1] + SMOOTHED_OVER * (value - out[-1]))
    return out
