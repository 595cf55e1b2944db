"""Pixels that are not square, made so by resampling the side on which they are longer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset

from pool.canonical.pixels import check_size
from pool.imports.dicom.headers import numbers
from pool.imports.notes import Notes

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
LEAST_DIFFERENCE = 1.02
MOST_DIFFERENCE = 8.0

Floats = npt.NDArray[np.float64]


def height_over_width(dataset: Dataset) -> float:
    """A pixel's height over its width, 1 where the header does not say or cannot be believed."""
    for keyword in SPACINGS:
        values = numbers(dataset, keyword)
        if values and len(values) == 2 and min(values) > 0:
            ratio = values[0] / values[1]
            return ratio if 1 / MOST_DIFFERENCE <= ratio <= MOST_DIFFERENCE else 1.0
    return 1.0


def squared(unit: Floats, ratio: float, notes: Notes) -> Floats:
    """The image, (rows, columns) on a scale from 0 to 1, with square pixels."""
    if max(ratio, 1 / ratio) < LEAST_DIFFERENCE:
        return unit
    height, width = unit.shape
    size = (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
    check_size(*size)
    notes.add(
        "shape", f"The pixels are not square ({ratio:.3g} times as high as wide); the image was resampled."
    )
    image = Image.fromarray(np.ascontiguousarray(unit, dtype=np.float32))
    return np.clip(np.asarray(image.resize(size, Image.Resampling.BICUBIC), dtype=np.float64), 0, 1)
