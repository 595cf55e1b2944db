"""An image brought to a network's side exactly as the library that published the network does it.

The libraries differ: the same Inception gives distances that do not compare when images reach it by another filter
(Parmar et al. 2022). Squares go in as (h, w, channels) uint8, and come out as float32 in the range of the recipe.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

PILLOW = {
    "pillow-box": Image.Resampling.BOX,
    "pillow-bilinear": Image.Resampling.BILINEAR,
    "pillow-bicubic": Image.Resampling.BICUBIC,
    "pillow-lanczos": Image.Resampling.LANCZOS,
    "pillow-nearest": Image.Resampling.NEAREST,
}
# Pillow's own numbers for its filters, as transformers writes them.
BY_NUMBER = {
    0: "pillow-nearest",
    1: "pillow-lanczos",
    2: "pillow-bilinear",
    3: "pillow-bicubic",
    4: "pillow-box",
}


def by_pillow(filter_: Image.Resampling) -> Callable[[Bytes, int], Floats]:
    """Antialiased, rounded to bytes: transformers, open_clip and torchvision of Pillow images."""

    def resize(square: Bytes, side: int) -> Floats:
        image = Image.fromarray(square if square.shape[2] == 3 else square[..., 0])
        return _with_channels(np.asarray(image.resize((side, side), filter_), dtype=np.float32))

    return resize


def clean_bicubic(square: Bytes, side: int) -> Floats:
    """Pillow's bicubic on floats, cut to 0..255 and never rounded (clean-fid)."""
    planes = [
        np.asarray(
            Image.fromarray(plane.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC),
            dtype=np.float32,
        )
        for plane in np.moveaxis(square, -1, 0)
    ]
    return np.stack(planes, axis=-1).clip(0, 255)


def torch_bilinear(square: Bytes, side: int) -> Floats:
    """Four neighbours, pixel centres aligned, no antialiasing (pytorch-fid)."""
    steps = (np.arange(side, dtype=np.float64) + 0.5) * (len(square) / side) - 0.5
    return _between_neighbours(square, steps.clip(0))


def tensorflow_bilinear(square: Bytes, side: int) -> Floats:
    """Four neighbours from the upper left corner, as TensorFlow 1 does it, no antialiasing (torch-fidelity)."""
    return _between_neighbours(square, np.arange(side, dtype=np.float64) * (len(square) / side))


def opencv_bilinear(square: Bytes, side: int) -> Floats:
    """`cv2.resize` of bytes: four neighbours, no antialiasing, in whole numbers as OpenCV counts them (RadImageNet)."""
    steps = ((np.arange(side) + 0.5) * (len(square) / side) - 0.5).astype(np.float32)
    start = np.floor(steps).astype(np.int64)
    low, high = (np.clip(start + more, 0, len(square) - 1) for more in (0, 1))
    share = steps - start.astype(np.float32)
    # Across, what lies beyond the edge is the edge itself; down, OpenCV still weighs it twice.
    near_across, far_across = _weights(np.where((start < 0) | (start >= len(square) - 1), 0, share))
    near_down, far_down = _weights(share)
    values = square.astype(np.int64)
    columns = values[:, low] * near_across[:, None] + values[:, high] * far_across[:, None]
    upper, lower = (
        (weights[:, None, None] * (columns[rows] >> 4)) >> 16
        for weights, rows in ((near_down, low), (far_down, high))
    )
    return ((upper + lower + 2) >> 2).astype(np.float32)


def _weights(share: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the nearer and the farther neighbour, in 2,048ths."""
    near, far = (np.rint(part.astype(np.float32) * np.float32(2048)) for part in (1 - share, share))
    return near.astype(np.int64), far.astype(np.int64)


FILTERS: dict[str, Callable[[Bytes, int], Floats]] = {
    **{name: by_pillow(filter_) for name, filter_ in PILLOW.items()},
    "clean-bicubic": clean_bicubic,
    "torch-bilinear": torch_bilinear,
    "tensorflow-bilinear": tensorflow_bilinear,
    "opencv-bilinear": opencv_bilinear,
}
SCIKIT_IMAGE = "scikit-image"
NAMES = (*FILTERS, SCIKIT_IMAGE)


def scikit_image(square: Floats, side: int) -> Floats:
    """`skimage.transform.resize`, black at 0 beyond the edge: of values in the network's range (TorchXRayVision)."""
    from skimage.transform import resize

    shape = (square.shape[2], side, side)
    planes = np.moveaxis(square, -1, 0)
    resized = resize(planes, shape, mode="constant", preserve_range=True)  # type: ignore[no-untyped-call]  # it has no types
    return np.moveaxis(np.asarray(resized, dtype=np.float32), 0, -1)


def _with_channels(image: Floats) -> Floats:
    return image if image.ndim == 3 else image[..., None]


def _between_neighbours(square: Bytes, steps: NDArray[np.float64]) -> Floats:
    last = len(square) - 1
    low = np.minimum(np.floor(steps).astype(np.int64), last)
    high = np.minimum(low + 1, last)
    share = (steps - low).clip(0, 1)
    values = square.astype(np.float64)
    rows = values[low] * (1 - share)[:, None, None] + values[high] * share[:, None, None]
    columns = rows[:, low] * (1 - share)[:, None] + rows[:, high] * share[:, None]
    return np.asarray(columns, dtype=np.float32)
