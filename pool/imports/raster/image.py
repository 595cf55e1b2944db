"""Canonical pixels of one image file, whatever its depth, channels, transparency, profile and shape of pixels."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from pool.canonical.pixels import MAX_PIXELS, Pixels, RefusedImageError, check_size
from pool.canonical.texts import cause
from pool.imports.notes import Notes
from pool.imports.raster.channels import Raster, canonical
from pool.imports.raster.deep import TURNED_SIDEWAYS, deep_raster, tiff_raster
from pool.imports.raster.kinds import ALLOWED, kind_of, what_it_is
from pool.imports.raster.tone import gamma_of, tone_curve

FORMATS = {
    "PNG": ("PNG",),
    "JPEG": ("JPEG",),
    "TIFF": ("TIFF",),
    "WebP": ("WEBP",),
    "AVIF": ("AVIF",),
    "HEIC": ("HEIF",),
    "JPEG 2000": ("JPEG2000",),
}
MOST_DIFFERENCE = 8.0
LEAST_DPI = 10.0

ImageFile.LOAD_TRUNCATED_IMAGES = False


def decode(data: bytes, *, colour: bool = False, notes: Notes | None = None) -> Pixels:
    """Canonical pixels of an image file, turned as its EXIF orientation says.

    Colour becomes grey unless `colour` asks for it. Raises RefusedImageError with one sentence.
    """
    if not data:
        raise RefusedImageError("The file is empty.")
    kind = kind_of(data)
    if kind not in FORMATS:
        raise RefusedImageError(what_it_is(kind))
    notes = Notes() if notes is None else notes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raster = deep_raster(data, kind, notes) or _by_either(data, kind, notes)
            return canonical(raster, notes, colour=colour)
    except RefusedImageError:
        raise
    except UnidentifiedImageError as error:
        raise RefusedImageError(
            f"The file begins as a {kind} and is none that can be read: {ALLOWED}."
        ) from error
    except Image.DecompressionBombError as error:
        raise RefusedImageError(f"The image has more than {MAX_PIXELS // 10**6} million pixels.") from error
    except MemoryError as error:
        raise RefusedImageError("The image needs more memory than decoding may take.") from error
    except Exception as error:  # readers raise whatever a broken file makes them
        raise RefusedImageError(f"The file is damaged or cut short ({cause(error)}).") from error


def _by_either(data: bytes, kind: str, notes: Notes) -> Raster:
    """By Pillow, and a TIFF of a compression that it lacks by the second reader."""
    try:
        return _by_pillow(data, kind, notes)
    except UnidentifiedImageError:
        raster = tiff_raster(data, notes, also_plain=True) if kind == "TIFF" else None
        if raster is None:
            raise
        return raster


def register_heif() -> None:
    """Let Pillow open HEIC."""
    import pi_heif  # for few files only

    pi_heif.register_heif_opener(thumbnails=False)


def _by_pillow(data: bytes, kind: str, notes: Notes) -> Raster:
    if kind == "HEIC":
        register_heif()
    with Image.open(io.BytesIO(data), formats=FORMATS[kind]) as image:
        check_size(*image.size)
        _check_pages(image, notes)
        image.load()
        ratio = _height_over_width(image)
        if image.getexif().get(0x0112, 1) >= TURNED_SIDEWAYS:
            ratio = 1 / ratio
        curve, gamma = tone_curve(image.info.get("icc_profile")), gamma_of(image.info)
        return Raster(_array(ImageOps.exif_transpose(image)), ratio=ratio, curve=curve, gamma=gamma)


def _check_pages(image: Image.Image, notes: Notes) -> None:
    if getattr(image, "n_frames", 1) < 2:
        return
    if image.format in {"MPO", "HEIF"}:  # a camera's image with a preview or a second view behind it
        notes.add("frames", "The first of several images in the file was taken.")
        return
    raise RefusedImageError("The file holds more than one image; import single frames.")


def _array(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """(height, width) or (height, width, channels); palettes and CMYK by way of RGB, where alone they turn grey correctly."""
    if image.mode.startswith("I") or image.mode == "F":
        return np.asarray(image)
    if image.has_transparency_data:
        return np.asarray(image.convert("LA" if image.mode in {"L", "LA", "1"} else "RGBA"))
    if image.mode in {"1", "L"}:
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGB"))


def _height_over_width(image: Image.Image) -> float:
    """A pixel's height over its width by the file's resolution; 1 where it has none or one that cannot be."""
    across, down = 0.0, 0.0
    if image.info.get("dpi"):
        across, down = (float(value) for value in image.info["dpi"][:2])
        if min(across, down) < LEAST_DPI:
            return 1.0
    elif image.info.get("jfif_unit") == 0 and image.info.get("jfif_density"):
        across, down = (float(value) for value in image.info["jfif_density"][:2])
    elif image.info.get("aspect"):
        across, down = (float(value) for value in image.info["aspect"][:2])
    if not (across > 0 and down > 0) or not 1 / MOST_DIFFERENCE <= across / down <= MOST_DIFFERENCE:
        return 1.0
    return across / down
