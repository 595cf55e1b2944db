"""The fine structure of images, by which a copy is known: what is finer than a tenth of the image, evened out.

Coarse shapes say little: chest X-rays all look alike to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pool.canonical.pixels import fitted_square

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]
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
FINER = 2  # samples of the spectrum for each period, so that it can be turned
WAVES = 12  # across and, either way, down: of up to 11 periods an image
IMAGES_AT_ONCE = 128
SLICES_OF_A_STACK = 5  # looked at of each: the first, the middle one and some between
TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Pose:
    """How a copy may lie over its original besides mirrored and shifted: turned by degrees, enlarged by a factor."""

    degrees: float = 0.0
    scale: float = 1.0

    def turned(self, down: Reals, across: Reals, factor: float) -> tuple[Reals, Reals]:
        """Points about the middle turned by the pose's angle, and so many times as far from it."""
        angle = np.deg2rad(self.degrees)
        sine, cosine = factor * np.sin(angle), factor * np.cos(angle)
        return cosine * down - sine * across, sine * down + cosine * across


@dataclass(frozen=True, slots=True)
class Structures:
    """The fine structure of images, SIDE × SIDE each, of length one, and the small images that it is of."""

    fine: Floats
    small: Bytes

    def __len__(self) -> int:
        return len(self.fine)

    def __getitem__(self, places: Numbers | slice) -> Structures:
        return Structures(self.fine[places], self.small[places])

    @classmethod
    def joined(cls, parts: Sequence[Structures]) -> Structures:
        return cls(
            np.concatenate([part.fine for part in parts]), np.concatenate([part.small for part in parts])
        )

    def posed(self, pose: Pose) -> Structures:
        """The same images turned and enlarged about their middle; what was outside is what its edge is."""
        fine, small = np.empty_like(self.fine), np.empty_like(self.small)
        corners, weights = _bilinear(pose)
        for start in range(0, len(self), IMAGES_AT_ONCE):
            rows = slice(start, start + IMAGES_AT_ONCE)
            flat = self.small[rows].reshape(-1, SIDE**2)
            moved = sum(flat[:, corner] * weight for corner, weight in zip(corners, weights, strict=True))
            pixels = np.asarray(moved, dtype=np.float32).reshape(-1, SIDE, SIDE)
            fine[rows], small[rows] = _fine(pixels), pixels.astype(np.uint8)
        return Structures(fine, small)

    def waves(self, poses: Sequence[Pose] = ()) -> Floats:
        """How strong each coarse wave is (poses × images × 2 WAVES − 1 × WAVES): the same wherever an image is shifted to.

        Of each pose (of the image as it lies where none is given): turning or enlarging an image turns or shrinks its
        spectrum. Rows by frequency, the negative ones first: upside down they are those of the mirrored image.
        """
        from scipy import fft

        means = _means(COARSE) @ _blur(BEFORE_COARSE)
        coarse = means @ self.fine @ means.T
        finely = COARSE * FINER
        strength = np.sqrt(np.abs(fft.fft2(coarse, s=(finely, finely))))
        flat = strength.reshape(len(self), -1)
        sampled = [
            sum(flat[:, corner] * weight for corner, weight in zip(*_frequencies(pose), strict=True))
            for pose in poses or (Pose(),)
        ]
        return np.asarray(sampled, dtype=np.float32).reshape(-1, len(self), 2 * WAVES - 1, WAVES)


def structures(images: Bytes, *, pulse: Pulse = lambda: None) -> Structures:
    """The fine structure of square images (images × side × side, or × 3)."""
    fine = np.empty((len(images), SIDE, SIDE), dtype=np.float32)
    small = np.empty((len(images), SIDE, SIDE), dtype=np.uint8)
    for start in range(0, len(images), IMAGES_AT_ONCE):
        rows = slice(start, start + IMAGES_AT_ONCE)
        pixels = small_images(images[rows])
        fine[rows], small[rows] = _fine(pixels.astype(np.float32)), pixels
        pulse()
    return Structures(fine, small)


def _fine(pixels: Floats) -> Floats:
    soft, blur, even = _blur(SOFT), _blur(BLUR), _blur(EVEN)
    with one_thread():
        detail = soft @ pixels @ soft.T - blur @ pixels @ blur.T
        detail /= np.sqrt(even @ detail**2 @ even.T) + LEAST_CONTRAST
    detail *= _window()
    detail -= detail.mean(axis=(1, 2), keepdims=True)
    return of_length_one(detail.reshape(-1, SIDE**2)).reshape(detail.shape)


def one_thread() -> AbstractContextManager[object]:
    """The libraries of linear algebra held to one thread: small products take ten times as long where threads wait for others."""
    limit: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limit


@cache
def _libraries() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _window() -> Floats:
    """Falls to nothing towards the edges: what a shift pushes out of the image counts less."""
    from scipy.signal.windows import tukey

    return np.outer(tukey(SIDE, 0.3), tukey(SIDE, 0.3)).astype(np.float32)


@cache
def _bilinear(pose: Pose) -> tuple[list[Numbers], list[Floats]]:
    """For each pixel of a posed image the four pixels it is between, and their weights."""
    middle = (SIDE - 1) / 2
    down, across = np.mgrid[:SIDE, :SIDE] - middle
    rows, columns = pose.turned(down, across, 1 / pose.scale)
    most = SIDE - 1 - TINY
    return _between((rows + middle).clip(0, most).ravel(), (columns + middle).clip(0, most).ravel(), SIDE)


@cache
def _frequencies(pose: Pose) -> tuple[list[Numbers], list[Floats]]:
    """For each wave of a posed image the four samples of the image's spectrum it is between, and their weights."""
    down, across = np.mgrid[1 - WAVES : WAVES, :WAVES]
    most = COARSE / 2 - 1
    rows, columns = pose.turned(down, across, pose.scale)
    inside_rows, inside_columns = rows.clip(-most, most) * FINER, columns.clip(-most, most) * FINER
    return _between(inside_rows.ravel(), inside_columns.ravel(), COARSE * FINER)


def _between(rows: Reals, columns: Reals, side: int) -> tuple[list[Numbers], list[Floats]]:
    """The places, in a flat image of this side, of the four pixels around each point, and how much of each."""
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    low, right = rows - top, columns - left
    corners = [(top + y) % side * side + (left + x) % side for y in (0, 1) for x in (0, 1)]
    weights = [np.abs(1 - y - low) * np.abs(1 - x - right) for y in (0, 1) for x in (0, 1)]
    return corners, [weight.astype(np.float32) for weight in weights]


def small_images(images: Bytes) -> Bytes:
    """The images in grey at SIDE × SIDE."""
    return np.stack([fitted_square(image, side=SIDE) for image in images])


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
