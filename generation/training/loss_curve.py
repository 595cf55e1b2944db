"""A loss curve as the points of an SVG line; no chart library, no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 160
SMOOTHED_OVER = 0.15


@dataclass(frozen=True)
class Curve:
    """A smoothed line in a WIDTH × HEIGHT box, and the numbers at its ends."""

    points: str
    first_step: int
    last_step: int
    lowest: float
    highest: float
    last: float

    @classmethod
    def of(cls, losses: Sequence[Sequence[float]]) -> Curve | None:
        """None while there are too few points to draw."""
        if len(losses) < 2:
            return None
        steps, values = [row[0] for row in losses], _smoothed([row[1] for row in losses])
        low, high = min(values), max(values)
        across = WIDTH / max(1.0, steps[-1] - steps[0])
        up = HEIGHT / ((high - low) or 1.0)
        points = [
            f"{(step - steps[0]) * across:.1f},{HEIGHT - (value - low) * up:.1f}"
            for step, value in zip(steps, values, strict=True)
        ]
        return cls(" ".join(points), int(steps[0]), int(steps[-1]), low, high, values[-1])


def _smoothed(values: Sequence[float]) -> list[float]:
    """An exponential mean that starts at the first value."""
    out = [values[0]]
    for value in values[1:]:
        out.append(out[-1] + SMOOTHED_OVER * (value - out[-1]))
    return out
