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
TURNED_SIDEWAYS = 5  # EXIF orientations from here on swap width and height
MISSING = "The image is compressed in a way this version cannot decode"


def deep_raster(data: bytes, kind: str, notes: Notes) -> Raster | None:
    """The image by a second reader where it is needed, else None."""
    if kind == "PNG":
        return _png(data)
    if kind == "JPEG":
        return _jpeg(data)
    if kind == "TIFF":
        return tiff_raster(data, notes)
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


def tiff_raster(data: bytes, notes: Notes, *, also_plain: bool = False) -> Raster | None:
    """Grey and RGB of samples other than eight bits without sign, and BigTIFF; any with `also_plain`."""
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
        if is_plain and not file.is_bigtiff and not also_plain:
            return None
        if photometric not in TIFF_PHOTOMETRICS:
            if not is_plain:
                raise RefusedImageError(
                    f"The TIFF holds {photometric} of more than eight bits, which is not read."
                )
            return None
        if _images(file) > 1:
            raise RefusedImageError("The file holds more than one image; import single frames.")
        values, is_negative = np.asarray(page.asarray()), photometric == "MINISWHITE"
        if is_negative and values.dtype.kind == "i":
            values, is_negative = ~values, False  # -128 is white, 127 black
            notes.add("inverted", "In the file white is the lowest value; the image was turned round.")
        ratio = _ratio(tags)
        if page.planarconfig == 2 and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        place = int(getattr(tags.get("Orientation"), "value", 1) or 1)
        return Raster(
            upright(_unsigned(values, notes), place),
            ratio=1 / ratio if place >= TURNED_SIDEWAYS else ratio,
            inverted_top=(1 << int(page.bitspersample)) - 1 if is_negative else None,
        )


def upright(values: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """The image turned as EXIF's orientation, 1 to 8, says."""
    if orientation >= TURNED_SIDEWAYS:
        values = np.swapaxes(values, 0, 1)
    if orientation in {3, 4, 7, 8}:
        values = values[::-1]
    return values[:, ::-1] if orientation in {2, 3, 6, 7} else values


def _images(file: Any) -> int:
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
    """Signed eight bits from -128 as black; deeper signs are lifted where all images are."""
    if values.dtype == np.int8:
        notes.add("bits", "Signed eight bits were lifted: -128 is black.")
        return (values.astype(np.int16) + 128).astype(np.uint8)
    return values
