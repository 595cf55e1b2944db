"""Weights and images by formula, so that a library elsewhere and this code here hold the very same numbers.

NumPy alone, as `bench/extractor_facts.py` reads it in an environment of its own.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def weight(name: str, shape: tuple[int, ...]) -> Floats:
    """A weight that keeps the size of what passes through; of its name alone."""
    dice = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return dice.uniform(0.5, 1.5, shape).astype(np.float32)
    values = dice.standard_normal(shape, dtype=np.float32)
    if len(shape) < 2:
        is_scale = name.endswith("weight")
        return (values * np.float32(0.1) + np.float32(is_scale)).astype(np.float32)
    if "places" in name or "embedding" in name or ("embed" in name and "proj" not in name):
        return values * np.float32(0.3)
    return values * np.float32(np.sqrt(2 / np.prod(shape[1:])))


def square(side: int) -> NDArray[np.uint8]:
    """A grey square with soft and with sharp parts, so that filters differ on it."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    waves = 90 * np.sin(9 * rows + 4 * columns**2) + 60 * ((np.floor(rows * 40) + np.floor(columns * 23)) % 2)
    return np.asarray(np.clip(np.rint(100 + waves), 0, 255), dtype=np.uint8)
