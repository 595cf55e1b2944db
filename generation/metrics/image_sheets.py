"""Many images on one sheet: a grid of samples, and samples beside the training images they are nearest to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.metrics.memorisation import Match

Images = NDArray[np.uint8]

GAP = 2
PAPER = 255
PAIRS, PAIRS_ACROSS = 8, 2


def grid(images: Images, *, columns: int | None = None) -> Images:
    """(n, side, side) or (n, side, side, 3) as one image, row after row; a square one unless told otherwise."""
    across = columns or max(1, round(len(images) ** 0.5))
    rows = [list(images[start : start + across]) for start in range(0, len(images), across)]
    blank = np.full_like(images[0], PAPER)
    rows[-1] += [blank] * (across - len(rows[-1]))
    return _joined([_joined(row, axis=1) for row in rows], axis=0)


def side_by_side(generated: Images, training: Images, matches: Sequence[Match]) -> Images:
    """The most suspicious images, each followed by its nearest training image by pixels and by features."""
    triples = [
        _joined([generated[match.image], training[match.by_pixels], training[match.by_features]], axis=1)
        for match in matches[:PAIRS]
    ]
    return grid(np.stack(triples), columns=PAIRS_ACROSS)


def _joined(parts: Sequence[Images], *, axis: int) -> Images:
    """Parts in a row or a column with a line of paper between them."""
    line_shape = list(parts[0].shape)
    line_shape[axis] = GAP
    line = np.full(line_shape, PAPER, dtype=np.uint8)
    laid: list[Images] = []
    for part in parts:
        laid += [part, line]
    return np.concatenate(laid[:-1], axis=axis)
