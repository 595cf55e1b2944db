"""Previews of an image for people's eyes: as large as it is, or small."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from numpy.typing import NDArray

from pool.canonical.pixels import (
    Pixels,
    decode_png,
    deep_square,
    encode_png,
    fitted_square,
    thumbnail,
    to_8bit,
)
from pool.models import Image
from pool.storage.stored_files import stored_bytes

logger = logging.getLogger(__name__)

PNG_END = b"IEND\xaeB`\x82"


def stored_pixels(image: Image) -> Pixels:
    """The canonical pixels as they lie in storage."""
    return decode_png(_stored_png(image))


def deep_squares(images: Sequence[Image], *, side: int, pulse: Callable[[], None]) -> NDArray[np.uint16]:
    """The middle square of each, (n, side, side) in sixteen bits; `pulse` is called between two."""
    pixels = np.empty((len(images), side, side), dtype=np.uint16)
    for place, image in enumerate(images):
        pulse()
        pixels[place] = deep_square(stored_pixels(image), side=side)
    return pixels


def squares(
    images: Sequence[Image], *, side: int, colour: bool, pulse: Callable[[], None]
) -> NDArray[np.uint8]:
    """The middle square of each, (n, side, side) grey or (n, side, side, 3); `pulse` is called between two."""
    pixels = np.empty((len(images), side, side, *((3,) if colour else ())), dtype=np.uint8)
    for place, image in enumerate(images):
        pulse()
        pixels[place] = fitted_square(stored_pixels(image), side=side, colour=colour)
    return pixels


def image_png(image: Image) -> bytes:
    """The whole image in eight bits: a browser would show deeper ones too dark or too bright."""
    if image.bits == 8:
        return _stored_png(image)
    return encode_png(to_8bit(stored_pixels(image)))


def thumbnail_png(image: Image) -> bytes:
    """The thumbnail, made when first asked for and kept where there is room."""
    storage, path = image.file.storage, image.thumbnail_path
    stored = b""
    with contextlib.suppress(FileNotFoundError), storage.open(path, "rb") as file:
        stored = file.read()
    if stored.endswith(PNG_END):
        return stored
    # There is none yet, or somebody else is writing it, or a full disk has left half of it.
    small = thumbnail(stored_pixels(image))
    _keep(storage, path, small)
    return small


def _keep(storage: Storage, path: str, png: bytes) -> None:
    try:
        stored_as = storage.save(path, ContentFile(png))
    except OSError:
        logger.warning("no room for the thumbnail %s", path)
        storage.delete(path)
    else:
        if stored_as != path:  # somebody else was quicker
            storage.delete(stored_as)


def _stored_png(image: Image) -> bytes:
    return stored_bytes(image.file, f"image {image.pk}")
