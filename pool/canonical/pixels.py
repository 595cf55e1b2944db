"""One canonical pixel form for every image: encode, hash, shrink, blind.

Canonical pixels are a 2-D uint8 or uint16 array, or HxWx3 uint8 where colour is the finding (microscopy).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

MAX_PIXELS = 50_000_000  # the largest mammography detectors give 28 million
MIN_SIDE = 16
MAX_SIDE = 20_000
PNG_LEVEL = 6
STORED_LEVEL = (
    2  # of what is stored once and seldom read: a quarter of the time of level 6 for a seventh more bytes
)
WINDOW_PERCENTILES = (0.5, 99.5)
# A hair off each edge, so that no source, whatever its size, passes unresampled and keeps its grey levels.
TRIM = 0.01
# One antialiased filter from the source to whatever is trained on, measured or shown. Shrunk twice by it an image
# is nearly the same as shrunk once, so that a generator's size between the two does not tell (BOX: AUC 0.8).
FILTER = Image.Resampling.LANCZOS


Limits = tuple[float, float]


@dataclass(frozen=True)
class GreyWindow:
    """From where to where grey levels are spread: of sources deeper than eight bits, and of what lies on the canvas."""

    source: Limits | None
    canvas: Limits


class RefusedImageError(ValueError):
    """This file does not go into the pool; the message is one sentence that says why."""


def check_size(width: int, height: int) -> None:
    """Raise RefusedImageError unless a header's width and height are worth decoding."""
    if min(width, height) < MIN_SIDE:
        raise RefusedImageError(
            f"The image is {width}×{height}; the smallest side allowed is {MIN_SIDE} pixels."
        )
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise RefusedImageError(
            f"The image is {width}×{height}; {MAX_PIXELS // 10**6} million pixels are allowed."
        )


def refuse_even(pixels: npt.NDArray[np.generic]) -> None:
    """Raise RefusedImageError for an image in which nothing can be seen."""
    if pixels.min() == pixels.max():
        raise RefusedImageError("The image is of one even grey level.")


def as_levels(values: npt.NDArray[Any], *, bits: int) -> Pixels:
    """Grey levels as canonical pixels of eight or sixteen bits, rounded and clipped."""
    if values.dtype.kind == "u" and values.dtype.itemsize * 8 <= bits:
        levels = values
    else:
        levels = np.asarray(np.rint(np.clip(values, 0, 2**bits - 1)))
    return levels.astype(np.uint8) if bits == 8 else levels.astype(np.uint16)


def encode_png(pixels: Pixels, *, level: int = PNG_LEVEL) -> bytes:
    """A PNG of nothing but pixels: the chunks are IHDR, IDAT and IEND, and equal pixels give equal bytes.

    `level` is how hard the encoder tries; it is one for all of a kind, since it shows in the bytes.
    """
    buffer = io.BytesIO()
    _as_pillow(pixels).save(buffer, format="PNG", compress_level=level)
    return buffer.getvalue()


def decode_png(data: bytes) -> Pixels:
    """The very pixels `encode_png` was given."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        if image.mode in {"L", "RGB"}:
            return np.array(image, dtype=np.uint8)
        return np.array(image, dtype=np.uint16)


def bits_of(pixels: Pixels) -> int:
    return pixels.dtype.itemsize * 8


def pixel_sha256(pixels: Pixels) -> str:
    """One hash for equal pixels: shape and depth count, the file they came in does not."""
    head = f"{pixels.dtype.name}{pixels.shape}".encode()
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(head + np.ascontiguousarray(little).tobytes()).hexdigest()


def perceptual_hash(pixels: Pixels) -> str:
    """64-bit pHash as 16 hex digits: near-equal images differ in few bits."""
    import imagehash  # brings SciPy, which a machine lent for training need not have

    return str(imagehash.phash(Image.fromarray(to_8bit(pixels))))


class PixelColumns(TypedDict):
    """What an image's row says of its pixels."""

    width: int
    height: int
    bits: int
    pixel_sha256: str
    perceptual_hash: str


def pixel_columns(pixels: Pixels) -> PixelColumns:
    height, width = pixels.shape[:2]
    return {
        "width": width,
        "height": height,
        "bits": bits_of(pixels),
        "pixel_sha256": pixel_sha256(pixels),
        "perceptual_hash": perceptual_hash(pixels),
    }


def to_8bit(pixels: Pixels, limits: Limits | None = None) -> npt.NDArray[np.uint8]:
    """Eight bits to look at: deeper pixels by a window over their range, or this one, never by clipping to white."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    values = pixels.astype(np.float32)
    return _windowed(values, limits or _limits(values), top=255).astype(np.uint8)


def thumbnail(pixels: Pixels, *, side: int = 192) -> bytes:
    """A small PNG whose longer side is at most `side`."""
    image = Image.fromarray(to_8bit(pixels))
    image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2)
    return encode_png(np.array(image, dtype=np.uint8))


def fitted_square(
    pixels: Pixels, *, side: int, colour: bool = False, limits: Limits | None = None
) -> npt.NDArray[np.uint8]:
    """The middle square at `side` pixels in eight bits, (side, side) grey or (side, side, 3) in colour: what networks see.

    The square of a square of this side is itself: a network that gives back what it was trained on gives this.
    """
    image = Image.fromarray(to_8bit(pixels, limits)).convert("RGB" if colour else "L")
    edge = min(image.size)
    x, y = (image.width - edge) // 2, (image.height - edge) // 2
    if edge == side:  # not left to the library, which resamples where the box is not the whole
        return np.array(image.crop((x, y, x + edge, y + edge)), dtype=np.uint8)
    return np.array(image.resize((side, side), FILTER, box=(x, y, x + edge, y + edge)), dtype=np.uint8)


def deep_square(pixels: Pixels, *, side: int) -> npt.NDArray[np.uint16]:
    """The middle square at `side` pixels in sixteen bits, (side, side), each level where it stands: no window is laid on.

    Levels of eight bits are spread over sixteen; colour becomes its luminance.
    """
    factor = 1 if pixels.dtype == np.uint16 else 257
    square = _channels(_middle_square(pixels), colour=False)[..., 0] * factor
    if len(square) != side:
        square = np.asarray(Image.fromarray(square).resize((side, side), FILTER))
    return as_levels(square, bits=16).astype(np.uint16)


def blinded_derivative(
    pixels: Pixels,
    *,
    side: int,
    bits: int = 8,
    fit: Literal["crop", "letterbox"] = "crop",
    colour: bool = False,
    window: GreyWindow | None = None,
) -> bytes:
    """PNG of a `side`×`side` canvas, made from every image by the same steps with the same constants.

    Grey (or three channels for a colour study), square, a hair trimmed, windowed to fixed percentiles, encoded once.
    The middle square is the default because generators make squares: black bars beside the real images alone would
    tell them apart. In eight bits all is made of `fitted_square`, so that a source and what a model trained on it
    would give back perfectly have the same derivative. The window is on everything because only some sources use
    their whole range or clip it. `window` is that of the stack which a slice belongs to (`grey_window`).
    """
    if bits not in {8, 16} or (colour and bits != 8):
        raise ValueError("bits must be 8 or 16, and 8 in colour")
    source = window.source if window else None
    small = _shrunk(pixels, side=side, bits=bits, fit=fit, colour=colour, source=source)
    levels = _windowed(small, window.canvas if window else _limits(small), top=2**bits - 1)
    canvas = np.zeros((side, side, small.shape[-1]), dtype=np.uint8 if bits == 8 else np.uint16)
    height, width = small.shape[:2]
    y, x = (side - height) // 2, (side - width) // 2
    canvas[y : y + height, x : x + width] = levels
    return encode_png(canvas if colour else canvas[..., 0])


def grey_window(
    slices: Sequence[Pixels], *, side: int, bits: int = 8, common_side: int | None = None
) -> GreyWindow:
    """The window that slices of one stack share on the canvas; of an image alone the very one that it has by itself.

    `common_side` is the square they are brought to before the canvas, if any.
    """
    source = None
    if slices[0].dtype != np.uint8 and (common_side or bits == 8):
        source = _limits(np.stack(slices).astype(np.float32))
    if common_side:
        slices = [fitted_square(pixels, side=common_side, limits=source) for pixels in slices]
    shrunk = [_shrunk(pixels, side=side, bits=bits, source=source) for pixels in slices]
    return GreyWindow(source, _limits(np.stack(shrunk)))


def _shrunk(
    pixels: Pixels,
    *,
    side: int,
    bits: int,
    fit: Literal["crop", "letterbox"] = "crop",
    colour: bool = False,
    source: Limits | None = None,
) -> npt.NDArray[np.float32]:
    """(height, width, channels) as large as the canvas lets it be, not windowed yet."""
    if fit == "crop":
        # A deeper canvas keeps the depth of its sources; what is shown in eight bits is what networks see of it.
        deep = bits == 16
        square = (
            _middle_square(pixels) if deep else fitted_square(pixels, side=side, colour=colour, limits=source)
        )
        values = _channels(square, colour=colour)
    else:
        values = _channels(pixels, colour=colour)
    height, width = values.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([_resampled(values[..., channel], size) for channel in range(values.shape[-1])], axis=-1)


def _channels(pixels: Pixels, *, colour: bool) -> npt.NDArray[np.float32]:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None].astype(np.float32), 3 if colour else 1, axis=-1)
    if colour:
        return pixels.astype(np.float32)
    return np.array(Image.fromarray(pixels).convert("L"), dtype=np.float32)[..., None]


def _middle_square(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    side = min(height, width)
    y, x = (height - side) // 2, (width - side) // 2
    return pixels[y : y + side, x : x + side]


def _resampled(channel: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    height, width = channel.shape
    rest = 1 - TRIM
    box = (TRIM * width, TRIM * height, rest * width, rest * height)
    image = Image.fromarray(np.ascontiguousarray(channel))
    return np.asarray(image.resize(size, FILTER, box=box), dtype=np.float32)


def _limits(values: npt.NDArray[np.float32]) -> Limits:
    """From one fixed percentile to the other; of a flat image so that it stays dark."""
    low, high = np.percentile(values, WINDOW_PERCENTILES)
    if high <= low:
        return float(values.min()), max(float(values.max()), float(values.min()) + 1)
    return low, high


def _windowed(values: npt.NDArray[np.float32], limits: Limits, *, top: int) -> npt.NDArray[np.float32]:
    """Values spread over 0…top between these."""
    low, high = limits
    unit = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(np.rint(unit * top), dtype=np.float32)


def _as_pillow(pixels: Pixels) -> Image.Image:
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3):
        raise TypeError("canonical pixels are 2-D uint8 or uint16, or HxWx3 uint8")
    if pixels.ndim == 3 and (pixels.shape[2] != 3 or pixels.dtype != np.uint8):
        raise TypeError("colour pixels are HxWx3 uint8")
    return Image.fromarray(np.ascontiguousarray(pixels))
