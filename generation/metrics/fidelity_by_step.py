"""How fidelity went over a run's checkpoints, and whether to stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generation.metrics.checkpoint_metrics import Distances

PATIENCE = 3


@dataclass(frozen=True)
class Point:
    """One measured checkpoint; smaller is nearer to the held-out real images."""

    step: int
    fid: float
    kid: float
    fid_interval: tuple[float, float] | None = None
    kid_interval: tuple[float, float] | None = None


def points(measured: Iterable[tuple[int, Distances]]) -> list[Point]:
    """The checkpoints (step, distances) of which both distances are known, by step."""
    measured_points = [
        Point(step, distances.fid, distances.kid, distances.fid_interval, distances.kid_interval)
        for step, distances in measured
        if distances.fid is not None and distances.kid is not None
    ]
    return sorted(measured_points, key=lambda point: point.step)


def suggestion(course: Sequence[Point]) -> str:
    """A sentence to act on, or "" while there is none: neither distance has fallen for three checkpoints."""
    if len(course) <= PATIENCE:
        return ""
    by_fid = min(course, key=lambda point: point.fid)
    by_kid = min(course, key=lambda point: point.kid)
    since = len([point for point in course if point.step > max(by_fid.step, by_kid.step)])
    if since < PATIENCE:
        return ""
    if by_fid.step == by_kid.step:
        steps_in_words = f"step {by_fid.step:,}"
    else:
        steps_in_words = f"step {by_fid.step:,} (lowest FD) or step {by_kid.step:,} (lowest KD)"
    return (
        f"Neither FD nor KD has fallen in the last {since} checkpoints. You may stop; "
        f"look at the samples of {steps_in_words} before you choose."
    )
