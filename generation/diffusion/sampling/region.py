"""Which part of an image is drawn anew: a box or an ellipse in words, or a mask; no torch, so that a form may check it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.run_config import ConfigError

SHAPES = ("box", "ellipse")
HOW = "A region is “box LEFT TOP WIDTH HEIGHT” or “ellipse …”, in shares of the square from 0 to 1."
INSIDE = 128  # from this grey level on, a mask's pixel is inside


def region_of(words: str, side: int) -> NDArray[np.bool_]:
    """(side, side), true where a pixel's middle lies inside. Raises ConfigError."""
    shape, numbers = _parsed(words)
    x, y, width, height = numbers
    middles = (np.arange(side) + 0.5) / side
    across, down = (middles[None, :] - x) / width, (middles[:, None] - y) / height
    if shape == "box":
        inside = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
    else:
        inside = (2 * across - 1) ** 2 + (2 * down - 1) ** 2 < 1
    return _checked(inside)


def region_of_mask(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the grey mask is bright. Raises ConfigError."""
    return _checked(mask >= INSIDE)


def _parsed(words: str) -> tuple[str, tuple[float, ...]]:
    shape, *texts = words.split() or [""]
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError as error:
        raise ConfigError(HOW) from error
    if (
        shape not in SHAPES
        or len(numbers) != 4
        or not all(map(math.isfinite, numbers))
        or min(numbers[2:]) <= 0
    ):
        raise ConfigError(HOW)
    return shape, numbers


def _checked(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not inside.any():
        raise ConfigError("The region holds no pixel of the image.")
    return inside
