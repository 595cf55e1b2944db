"""Which generated images give back a training image: the copy rule of the quality report, at a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.metrics.nearest import nearest
from pool.copies import search as copies
from pool.copies.rule import Calibration
from pool.copies.structure import Structures


@dataclass(frozen=True)
class Views:
    """The same images seen two ways, row by row: fine structure and an extractor's features."""

    structures: Structures
    features: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Match:
    """A generated image and the training images nearest to it, by fine structure and by features.

    The correlation is that of fine structure, at the best of small shifts and mirroring. A near feature accuses nobody.
    """

    image: int
    by_pixels: int
    by_features: int
    correlation: float
    is_copy: bool


def scan(generated: Views, training: Views, rule: Calibration) -> list[Match]:
    """Every generated image against every training image, the most suspicious first."""
    closest = copies.nearest(generated.structures, training.structures)
    by_features = nearest(generated.features, training.features).places[:, 0]
    similarities = closest.similarity
    return [
        Match(
            int(place),
            int(closest.place[place]),
            int(by_features[place]),
            round(float(similarities[place]), 4),
            bool(similarities[place] >= rule.threshold),
        )
        for place in np.argsort(-similarities, kind="stable")
    ]


def copied(matches: Sequence[Match]) -> list[int]:
    """The generated images that count as copies, in their own order."""
    return sorted(match.image for match in matches if match.is_copy)
