"""How much of the real images' world the fakes cover, and how many of them lie in it.

Precision and recall after Kynkäänniemi et al. 2019, density and coverage after Naeem et al. 2020 (arXiv 2002.09797),
with balls that reach from each image to its k-th nearest neighbour of the same arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NEIGHBOURS = 5
ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Coverage:
    """What each image has to say; the four numbers are the means of the four vectors.

    `precision` (per fake): it lies in a ball of a real image. `density` (per fake): in how many, over k.
    `recall` (per real): it lies in a ball of a fake. `coverage` (per real): its own ball holds a fake.
    """

    precision: npt.NDArray[np.bool_]
    recall: npt.NDArray[np.bool_]
    density: Floats
    coverage: npt.NDArray[np.bool_]


def cover(real: Floats, fake: Floats, *, neighbours: int = NEIGHBOURS) -> Coverage:
    """Compare two sets of features (images × dimensions).

    Raises ValueError where an arm has no more than `neighbours` images: then there is no k-th neighbour.
    """
    if min(len(real), len(fake)) <= neighbours:
        raise ValueError(
            f"Precision, recall, density and coverage need more than {neighbours} images of each arm."
        )
    real_reach, fake_reach = _reach(real, neighbours), _reach(fake, neighbours)
    in_real_balls = np.zeros(len(fake))
    recall, coverage = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for start in range(0, len(real), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        squared = _squared_distances(real[rows], fake)
        within = squared <= real_reach[rows, None]
        in_real_balls += within.sum(axis=0)
        coverage[rows] = within.any(axis=1)
        recall[rows] = (squared <= fake_reach[None, :]).any(axis=1)
    return Coverage(in_real_balls > 0, recall, in_real_balls / neighbours, coverage)


def _squared_distances(first: Floats, second: Floats) -> Floats:
    """Squared Euclidean distances in double precision, rows of the first × rows of the second."""
    squared = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2 * first @ second.T
    return np.asarray(np.maximum(squared, 0))


def _reach(features: Floats, neighbours: int) -> Floats:
    """The squared distance of each image to its k-th nearest neighbour of the same arm, itself not counted."""
    reach = np.empty(len(features))
    for start in range(0, len(features), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        squared = _squared_distances(features[rows], features)
        own = np.arange(len(squared))
        squared[own, own + start] = -1.0  # itself comes first, whatever rounding says
        reach[rows] = np.partition(squared, neighbours, axis=1)[:, neighbours]
    return reach
