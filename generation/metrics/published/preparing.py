"""Images as a network takes them, by its recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from generation.metrics.feature_extractor import BATCH
from generation.metrics.published.recipe import Preparation
from generation.metrics.published.resizing import FILTERS, SCIKIT_IMAGE, scikit_image
from pool.canonical.pixels import Pixels, fitted_square

Values = NDArray[np.float32 | np.uint8]


def prepared(image: Pixels, recipe: Preparation) -> Values:
    """(channels, side, side): grey is repeated where the network takes three channels."""
    square = fitted_square(image, side=min(image.shape[:2]), colour=recipe.channels == 3)
    square = square.reshape(*square.shape[:2], -1)
    resize = recipe.resize or recipe.side
    if recipe.filter == SCIKIT_IMAGE:
        values = scikit_image(_in_range(square.astype(np.float32), recipe), resize)
    else:
        values = FILTERS[recipe.filter](square, resize)
        values = values if recipe.as_bytes else _in_range(values, recipe)
    start = (resize - recipe.side) // 2
    values = values[start : start + recipe.side, start : start + recipe.side]
    if recipe.as_bytes:
        return np.moveaxis(np.rint(values).astype(np.uint8), -1, 0)
    if recipe.mean:
        mean, std = (np.array(numbers, dtype=np.float32) for numbers in (recipe.mean, recipe.std))
        values = np.asarray((values - mean) / std, dtype=np.float32)
    return np.moveaxis(values.astype(np.float32), -1, 0)


def prepared_batches(images: Iterable[Pixels], recipe: Preparation) -> Iterator[Values]:
    """(n, channels, side, side), at most BATCH at a time."""
    batch: list[Values] = []
    for image in images:
        batch.append(prepared(image, recipe))
        if len(batch) == BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def _in_range(values: NDArray[np.float32], recipe: Preparation) -> NDArray[np.float32]:
    return np.float32(recipe.low) + values * np.float32((recipe.high - recipe.low) / 255)
