"""An image by places and by its broad shading: what an eye sees at one spot, or over the whole, at a glance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Halves = npt.NDArray[np.float16]

GRID = 64  # cells to a side
KINDS = ("brightest point", "darkest point", "mean brightness")
RINGS = 6
QUANTILES = (5, 10, 25, 50, 75, 90)
SHADING_NAMES = [
    *(f"grey level at {percent} % of the image" for percent in QUANTILES),
    "slope from left to right",
    "slope from top to bottom",
    "bend from left to right",
    "bend from top to bottom",
    "twist across the corners",
    *(f"ring {ring} of {RINGS} from the middle against the whole" for ring in range(1, RINGS + 1)),
    "outermost ring against the middle",
    "level of the corners",
    "darkest of the four corners",
]


def cells(pixels: npt.NDArray[np.generic]) -> Halves:
    """Brightest, darkest and mean of each cell of the grid, from 0 to 1: (3, GRID, GRID), less where it is smaller."""
    grey = _grey(pixels)
    edges = [_edges(length) for length in grey.shape]
    both = [
        function.reduceat(function.reduceat(grey, edges[0], axis=0), edges[1], axis=1)
        for function in (np.maximum, np.minimum)
    ]
    sums = np.add.reduceat(np.add.reduceat(grey.astype(np.float32), edges[0], axis=0), edges[1], axis=1)
    areas = np.outer(*(np.diff([*edge, length]) for edge, length in zip(edges, grey.shape, strict=True)))
    top = 2.0 ** (8 * grey.dtype.itemsize) - 1
    return np.stack([both[0] / top, both[1] / top, sums / areas / top]).astype(np.float16)


def shading_features(grid: Halves) -> Floats:
    """Low frequencies alone, of the cells' means: gamma, slopes, vignette, level of the background."""
    means = grid[2].astype(np.float64)
    rows, columns = (np.linspace(-1, 1, length) for length in means.shape)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    quantiles = np.percentile(means, QUANTILES)
    shapes = np.stack([np.ones_like(x), x, y, x**2, y**2, x * y], axis=-1).reshape(-1, 6)
    coefficients = np.linalg.lstsq(shapes, means.ravel(), rcond=None)[0][1:]
    ring = np.minimum((np.hypot(x, y) / np.sqrt(2) * RINGS).astype(int), RINGS - 1)
    profile = np.bincount(ring.ravel(), means.ravel()) / np.bincount(ring.ravel())
    side = max(1, min(means.shape) // 8)
    corners = [means[rows, columns].mean() for rows in _ends(side) for columns in _ends(side)]
    return np.array(
        [
            *quantiles,
            *coefficients,
            *(profile - means.mean()),
            profile[-1] - profile[0],
            np.mean(corners),
            np.min(corners),
        ]
    )


def place_in_words(row: int, column: int, shape: tuple[int, int]) -> str:
    """Where in the image a cell lies, by thirds."""
    upright = ("upper", "middle", "lower")[row * 3 // shape[0]]
    across = ("left", "middle", "right")[column * 3 // shape[1]]
    if across == "middle":
        return "the middle" if upright == "middle" else f"the {upright} edge"
    return f"the {across} edge" if upright == "middle" else f"the {upright} {across}"


def _ends(side: int) -> tuple[slice, slice]:
    return slice(None, side), slice(-side, None)


def _edges(length: int) -> npt.NDArray[np.int64]:
    return np.floor(np.linspace(0, length, min(GRID, length), endpoint=False)).astype(np.int64)


def _grey(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    if pixels.ndim == 2:
        return pixels
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).convert("L"))
