"""PNG, TIFF and JPEG files of more than eight bits or with odd samples, which Pillow cuts down, wraps or refuses."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from pool.canonical.pixels import RefusedImageError, check_size
from pool.imports.notes import Notes
from pool.imports.raster.channels import Raster

PNG_HEAD = 33
PNG_GREY = 0
JPEG_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
LOSSLESS, LOSSLESS_LS = 0xC3, 0xF7
TIFF_PHOTOMETRICS = {"MINISWHITE", "MINISBLACK", "RGB"}
REDUCED = 1
MISSING = "The picture is compressed in a way this version cannot decode"


def deep_raster(data: bytes, kind: str, notes: Notes) -> Raster | None:
    """The picture by a second reader where it is needed, else None."""
    if kind == "PNG":
        return _png(data)
    if kind == "JPEG":
        return _jpeg(data)
    if kind == "TIFF":
        return _tiff(data, notes)
    return None


def _png(data: bytes) -> Raster | None:
    """Sixteen bits with colour or transparency; grey alone Pillow reads whole."""
    if len(data) < PNG_HEAD or data[24] != 16 or data[25] == PNG_GREY:
        return None
    import imagecodecs

    check_size(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    return Raster(np.asarray(imagecodecs.png_decode(data)), gamma=_png_gamma(data))


def _png_gamma(data: bytes) -> float | None:
    place = 8
    while place + 12 <= len(data):
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if name == b"gAMA" and length == 4:
            return int.from_bytes(data[place + 8 : place + 12], "big") / 100_000
        if name in {b"sRGB", b"iCCP", b"IDAT"}:
            return None
        place += length + 12
    return None


def _jpeg(data: bytes) -> Raster | None:
    """Twelve bits, lossless and JPEG-LS under a JPEG's name."""
    frame = _jpeg_frame(data)
    if frame is None:
        return None
    marker, precision, height, width = frame
    if precision == 8 and marker not in {LOSSLESS, LOSSLESS_LS}:
        return None
    import imagecodecs

    check_size(width, height)
    try:
        if marker == LOSSLESS_LS:
            values = imagecodecs.jpegls_decode(data)
        elif marker == LOSSLESS:
            values = imagecodecs.ljpeg_decode(data)
        else:
            values = imagecodecs.jpeg_decode(data)
    except (RuntimeError, ValueError) as error:
        raise RefusedImageError(f"{MISSING}: JPEG of {precision} bits.") from error
    return Raster(np.asarray(values))


def _jpeg_frame(data: bytes) -> tuple[int, int, int, int] | None:
    """Marker, bits, height and width of the first frame."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in JPEG_FRAMES:
            size = (
                int.from_bytes(data[place + 5 : place + 7], "big"),
                int.from_bytes(data[place + 7 : place + 9], "big"),
            )
            return marker, data[place + 4], *size
        if marker == 0xFF:
            place += 1
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _tiff(data: bytes, notes: Notes) -> Raster | None:
    """Grey and RGB of samples other than eight bits without sign, and BigTIFF."""
    import tifffile

    try:
        file = tifffile.TiffFile(io.BytesIO(data))
    except tifffile.TiffFileError:
        return None  # Pillow has the last word, and a sentence
    with file:
        page = file.pages.first
        tags = page.tags
        check_size(page.imagewidth, page.imagelength)
        photometric = getattr(page.photometric, "name", "")
        is_plain = page.bitspersample in {1, 2, 4, 8} and page.sampleformat in {None, 1}
        if (is_plain and not file.is_bigtiff) or photometric not in TIFF_PHOTOMETRICS:
            return None
        if _pictures(file) > 1:
            raise RefusedImageError("The file holds more than one picture; import single frames.")
        values = np.asarray(page.asarray())
        ratio = _ratio(tags)
        if page.planarconfig == 2 and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        return Raster(
            _unsigned(values, notes),
            ratio=ratio,
            inverted_top=_top(values, int(page.bitspersample)) if photometric == "MINISWHITE" else None,
        )


def _pictures(file: Any) -> int:
    """Pages that are no smaller copies of another."""
    pages = list(file.pages)[:8]
    return sum(not int(getattr(page, "subfiletype", 0) or 0) & REDUCED for page in pages)


def _ratio(tags: Any) -> float:
    across, down = tags.get("XResolution"), tags.get("YResolution")
    if across is None or down is None:
        return 1.0
    x, y = (tag.value[0] / max(tag.value[1], 1) for tag in (across, down))
    return float(x / y) if x > 0 and y > 0 and 1 / 8 <= x / y <= 8 else 1.0


def _unsigned(values: npt.NDArray[Any], notes: Notes) -> npt.NDArray[Any]:
    """Signed eight bits from -128 as black; deeper signs are lifted where all pictures are."""
    if values.dtype == np.int8:
        notes.add("bits", "Signed eight bits were lifted: -128 is black.")
        return (values.astype(np.int16) + 128).astype(np.uint8)
    return values


def _top(values: npt.NDArray[Any], bits: int) -> int:
    if values.dtype.kind != "u":
        raise RefusedImageError(
            "The picture has signed pixels in which white is zero, which nobody can tell how to show."
        )
    return int((1 << bits) - 1)
