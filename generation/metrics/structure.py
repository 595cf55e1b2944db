"""The fine structure of images, by which a copy is known: what is finer than a tenth of the image, evened out.

Coarse shapes say little: chest X-rays all look alike to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from generation.metrics.spectra import Bytes

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Pulse = Callable[[], object]

SIDE = 96
SOFT, BLUR, EVEN = (
    0.8,
    3.0,
    6.0,
)  # pixels of SIDE: finer is noise, coarser is shape; contrast is evened out over the last
LEAST_CONTRAST = np.float32(2.0)  # grey levels: below, evening out would only raise noise
COARSE, BEFORE_COARSE = 32, 1.5
WAVES = 12  # across and, either way, down: of up to 11 periods an image
IMAGES_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Structures:
    """The fine structure of images: SIDE × SIDE each, of length one."""

    fine: Floats

    def __len__(self) -> int:
        return len(self.fine)

    def __getitem__(self, places: Numbers | slice) -> Structures:
        return Structures(self.fine[places])

    def waves(self) -> Floats:
        """How strong each coarse wave is (images × 2 WAVES − 1 × WAVES): the same wherever an image is shifted to."""
        means = _means(COARSE) @ _blur(BEFORE_COARSE)
        strength: Floats = np.abs(np.fft.rfft2(means @ self.fine @ means.T))[:, :, :WAVES]
        # Rows by frequency, the negative ones first: upside down they are those of the mirrored image.
        either_way = np.concatenate([strength[:, 1 - WAVES :], strength[:, :WAVES]], axis=1)
        return np.asarray(np.sqrt(either_way), dtype=np.float32)


def structures(images: Bytes, *, pulse: Pulse = lambda: None) -> Structures:
    """The fine structure of square images (images × side × side, or × 3)."""
    from scipy.signal.windows import tukey

    # Falls to nothing towards the edges: what a shift pushes out of the image counts less.
    window = np.outer(tukey(SIDE, 0.3), tukey(SIDE, 0.3)).astype(np.float32)
    soft, blur, even = _blur(SOFT), _blur(BLUR), _blur(EVEN)
    fine = np.empty((len(images), SIDE, SIDE), dtype=np.float32)
    for start in range(0, len(images), IMAGES_AT_ONCE):
        rows = slice(start, start + IMAGES_AT_ONCE)
        small = np.stack([_small(image) for image in images[rows]])
        detail = soft @ small @ soft.T - blur @ small @ blur.T
        detail /= np.sqrt(even @ detail**2 @ even.T) + LEAST_CONTRAST
        detail *= window
        fine[rows] = detail - detail.mean(axis=(1, 2), keepdims=True)
        pulse()
    return Structures(of_length_one(fine.reshape(-1, SIDE**2)).reshape(fine.shape))


def _small(image: npt.NDArray[np.uint8]) -> Floats:
    grey = Image.fromarray(image).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)


@cache
def _blur(sigma: float) -> Floats:
    """B with B @ image @ B.T the image under a Gaussian: many images at once, several times as quick as filtering."""
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(np.eye(SIDE), sigma, axis=0), dtype=np.float32)


@cache
def _means(parts: int) -> Floats:
    """M with M @ image @ M.T the means of the image's parts."""
    each = SIDE // parts
    return np.asarray(np.repeat(np.eye(parts), each, axis=1) / each, dtype=np.float32)


def of_length_one(values: npt.NDArray[np.floating]) -> Floats:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length > 0, length, 1), dtype=np.float32)
