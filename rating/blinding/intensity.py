"""Global features of pixels: how bright, how contrasted, how sharp. Nothing of anatomy.

Grey levels are what an eye sees at a glance; sharpness is what tells an image that was enlarged from one
that was shrunk, or that has been a JPEG, whatever it shows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float64]

SIDE = 256  # the spectrum is taken of the middle, at full resolution, never of a shrunk copy
BANDS = 12
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
JPEG_BLOCK = 8
TINY = 1e-9


def grey_features(pixels: npt.NDArray[np.generic]) -> Floats:
    """Brightness, contrast, clipping, gaps in the histogram, margins; all on a scale of 0 to 1."""
    values = _unit(pixels)
    histogram = np.bincount((values * 255.999).astype(np.uint8).ravel(), minlength=256)
    shares = histogram / histogram.sum()
    levels = shares[shares > 0]
    edge = max(1, min(values.shape) // 32)
    margins = [values[:edge], values[-edge:], values[:, :edge], values[:, -edge:]]
    return np.array(
        [
            values.mean(),
            values.std(),
            *np.percentile(values, PERCENTILES),
            (values <= 0).mean(),
            (values >= 1).mean(),
            -(levels * np.log(levels)).sum(),
            (histogram == 0).mean(),
            *(margin.mean() for margin in margins),
            *(margin.std() for margin in margins),
        ],
        dtype=np.float64,
    )


def sharpness_features(pixels: npt.NDArray[np.generic]) -> Floats:
    """The energy in each band of spatial frequency, edges, and traces of JPEG blocks and of enlargement."""
    values = _middle(_unit(pixels))
    values = values - values.mean()
    window = np.outer(np.hanning(values.shape[0]), np.hanning(values.shape[1]))
    power = np.abs(np.fft.fftshift(np.fft.fft2(values * window))) ** 2
    rows, columns = np.indices(power.shape)
    radius = np.hypot(rows / power.shape[0] - 0.5, columns / power.shape[1] - 0.5) / 0.5
    bands = np.minimum((radius * BANDS).astype(int), BANDS)
    energy = np.bincount(bands.ravel(), power.ravel(), minlength=BANDS + 1)
    bands_log = np.log(energy + TINY) - np.log(energy.sum() + TINY)
    second = np.abs(np.diff(values, 2, axis=1))
    return np.array(
        [*bands_log, np.log(second.mean() + TINY), np.log(second.max() + TINY), *_blockiness(values)],
        dtype=np.float64,
    )


def _blockiness(values: Floats) -> list[float]:
    """How much steps between rows and columns depend on their place in blocks of eight."""
    traces = []
    for axis in (0, 1):
        steps = np.abs(np.diff(values, axis=axis)).mean(axis=1 - axis)
        blocks = steps[: len(steps) // JPEG_BLOCK * JPEG_BLOCK].reshape(-1, JPEG_BLOCK).mean(axis=0)
        traces.append(float(blocks.max() / (blocks.mean() + TINY)))
    return traces


def _unit(pixels: npt.NDArray[np.generic]) -> Floats:
    top = np.iinfo(pixels.dtype).max  # type: ignore[type-var]  # canonical pixels are whole numbers
    grey = pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))
    return np.asarray(grey, dtype=np.float64) / top


def _middle(values: Floats) -> Floats:
    height, width = values.shape
    y, x = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    return values[y : y + SIDE, x : x + SIDE]
