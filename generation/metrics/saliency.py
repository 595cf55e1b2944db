"""Images with a map of where the machine rater looked under each, as one strip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from pool.canonical.pixels import encode_png

SIDE = 128


def strip(images: Sequence[npt.NDArray[np.uint8]], maps: Sequence[npt.NDArray[np.float64]]) -> bytes:
    """A PNG: the images in a row, and under each the same in grey with the parts that told “fake” in orange.

    One scale for all maps, so that a faint map means that no single part told much.
    """
    strongest = max((float(np.abs(values).max()) for values in maps), default=0.0) or 1.0
    columns = []
    for image, values in zip(images, maps, strict=True):
        rgb = np.asarray(Image.fromarray(image).convert("RGB").resize((SIDE, SIDE)), dtype=np.float64)
        level = Image.fromarray((np.clip(values, 0, None) / strongest).astype(np.float32))
        strength = np.asarray(level.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
        grey = np.repeat(rgb.mean(axis=2, keepdims=True), 3, axis=2)
        marked = grey * (1 - 0.6 * strength) + np.array([255.0, 140.0, 40.0]) * 0.6 * strength
        columns.append(np.vstack([rgb, marked]))
    return encode_png(np.rint(np.hstack(columns)).astype(np.uint8))
