"""What the audit keeps of an image's slices beside the middle one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pool.canonical.pixels import Pixels
from rating.blinding.cells import Halves, cells, shading_features
from rating.blinding.intensity import Floats, grey_features, sharpness_features


@dataclass(frozen=True, slots=True)
class OtherSlices:
    """Of each slice its grid of cells (slices × 3 × GRID × GRID), and its grey levels, sharpness and shading in numbers."""

    cells: Halves
    looks: Floats

    @classmethod
    def of(cls, slices: Sequence[Pixels]) -> Self | None:
        """None where there are none."""
        if not slices:
            return None
        grids = [cells(pixels) for pixels in slices]
        looks = [
            np.concatenate([grey_features(pixels), sharpness_features(pixels), shading_features(grid)])
            for pixels, grid in zip(slices, grids, strict=True)
        ]
        return cls(np.stack(grids), np.stack(looks))
