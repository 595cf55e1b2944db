"""Images that are nearly the same: candidates by perceptual hash, confirmed by looking at fine structure.

Chest X-rays look alike to a hash of coarse shapes: of 31,000 pairs of different patients 15 differ in 8 bits
or fewer. So a pair counts only when its structure finer than a tenth of the image correlates as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from pool.canonical.pixels import Pixels, to_8bit

MOST_BITS = 8
LEAST_CORRELATION = 0.9
SIDE = 64
BLUR = 6
ROWS_AT_ONCE = 1024


def candidate_pairs(
    hashes: Sequence[str], other_hashes: Sequence[str] | None = None, *, most_bits: int = MOST_BITS
) -> list[tuple[int, int]]:
    """Places (i, j) whose 64-bit hashes differ in few bits: i < j within one list, any i, j between two."""
    rows_hashes = _numbers(hashes)
    right = rows_hashes if other_hashes is None else _numbers(other_hashes)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(rows_hashes), ROWS_AT_ONCE):
        part = rows_hashes[start : start + ROWS_AT_ONCE]
        close = np.bitwise_count(part[:, None] ^ right[None, :]) <= most_bits
        rows, columns = np.nonzero(close)
        rows = rows + start
        is_pair = rows < columns if other_hashes is None else np.ones(len(rows), dtype=bool)
        pairs.extend(zip(rows[is_pair].tolist(), columns[is_pair].tolist(), strict=True))
    return pairs


def fine_structure(pixels: Pixels) -> npt.NDArray[np.float64]:
    """The middle square, small, without its coarse shapes, as a vector of length one."""
    from scipy.ndimage import gaussian_filter

    grey = Image.fromarray(to_8bit(pixels)).convert("L")
    edge = min(grey.size)
    x, y = (grey.width - edge) // 2, (grey.height - edge) // 2
    box = (x, y, x + edge, y + edge)
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX, box=box), dtype=np.float64)
    fine = small - gaussian_filter(small, BLUR)
    fine -= fine.mean()
    length = np.linalg.norm(fine)
    return np.asarray((fine / length if length else fine).ravel())


def are_near_copies(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> bool:
    return float(first @ second) >= LEAST_CORRELATION


def _numbers(hashes: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.array([int(digits, 16) for digits in hashes], dtype=np.uint64)
