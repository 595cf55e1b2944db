"""From a decoded image's channels to canonical pixels: transparency, profile, grey, depth and square pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pool.canonical.pixels import Pixels, RefusedImageError, as_levels, bits_of, check_size
from pool.imports.notes import Notes
from pool.imports.raster.tone import by_curve, by_gamma

DEEP = np.iinfo(np.uint16).max
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow has it
LEAST_DIFFERENCE = 1.02


@dataclass(frozen=True)
class Raster:
    """Decoded channels, (height, width) or (height, width, 1 to 4), and what the file says of them.

    `ratio` is a pixel's height over its width, `inverted_top` the value that is black where white is zero,
    `curve` a profile's 256 levels, `gamma` that of a PNG.
    """

    values: npt.NDArray[Any]
    ratio: float = 1.0
    inverted_top: int | None = None
    curve: npt.NDArray[np.float64] | None = None
    gamma: float | None = None


def canonical(raster: Raster, notes: Notes, *, colour: bool) -> Pixels:
    """Canonical pixels. Raises RefusedImageError."""
    values = _as_integers(raster.values)
    if raster.inverted_top is not None:
        values = np.clip(raster.inverted_top - values.astype(np.int64), 0, None).astype(values.dtype)
        notes.add("inverted", "In the file white is zero; the image was turned round.")
    values = _opaque(values, notes)
    if values.ndim == 3:
        values = _one_or_three(values, notes, colour=colour)
    pixels = as_levels(values, bits=8 if values.dtype == np.uint8 else 16)
    if raster.curve is not None:
        pixels = by_curve(pixels, raster.curve, notes)
    elif raster.gamma is not None:
        pixels = by_gamma(pixels, raster.gamma, notes)
    return _squared(pixels, raster.ratio, notes)


def _as_integers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same in eight or sixteen bits without sign."""
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim not in {2, 3} or (values.ndim == 3 and values.shape[2] > 4):
        raise RefusedImageError("The file does not hold one image of grey or colour.")
    if values.dtype.kind == "f":
        raise RefusedImageError(
            "The image has floating-point pixels, which have no fixed range; save 16 bits."
        )
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    if values.dtype == np.uint8:
        return values
    wide = values.astype(np.int64)
    if wide.min() < 0:
        wide += 2**15  # signed 16 bits, as CT slices are often saved
    if wide.min() < 0 or wide.max() > DEEP:
        raise RefusedImageError("The image has more than 16 bits per pixel.")
    return wide.astype(np.uint16)


def _opaque(values: npt.NDArray[Any], notes: Notes) -> npt.NDArray[Any]:
    """The image before black; where nothing at all would be seen, transparency is left out."""
    if values.ndim != 3 or values.shape[2] not in {2, 4}:
        return values
    colours, alpha = values[..., :-1], values[..., -1]
    if not alpha.any():
        notes.add("alpha", "Every pixel of the file is transparent; that was left out.")
    elif int(alpha.min()) < np.iinfo(alpha.dtype).max:
        notes.add("alpha", "Transparent parts are shown black.")
        top = float(np.iinfo(alpha.dtype).max)
        colours = np.rint(colours * (alpha[..., None] / top)).astype(values.dtype)
    return colours[..., 0] if colours.shape[2] == 1 else colours


def _one_or_three(values: npt.NDArray[Any], notes: Notes, *, colour: bool) -> npt.NDArray[Any]:
    if colour:
        if values.dtype == np.uint8:
            return values
        notes.add("bits", "Colour of 16 bits was taken in 8.")
        return (values >> 8).astype(np.uint8)
    if (values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all():
        return values[..., 0]
    if values.dtype == np.uint8:
        return np.array(Image.fromarray(np.ascontiguousarray(values)).convert("L"))
    return np.asarray(np.rint(values @ np.array(LUMA)), dtype=np.uint16)


def _squared(pixels: Pixels, ratio: float, notes: Notes) -> Pixels:
    if max(ratio, 1 / ratio) < LEAST_DIFFERENCE:
        return pixels
    height, width = pixels.shape[:2]
    size = (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
    check_size(*size)
    notes.add(
        "shape", f"The pixels are not square ({ratio:.3g} times as high as wide); the image was resampled."
    )
    if pixels.ndim == 3:
        return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), dtype=np.uint8)
    resized = Image.fromarray(pixels.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return as_levels(np.asarray(resized), bits=bits_of(pixels))
