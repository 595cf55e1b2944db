"""Pictures of an image for people's eyes: as large as it is, or small."""

from __future__ import annotations

from django.core.files.base import ContentFile

from pool.models import Image
from pool.pixels import Pixels, decode_png, encode_png, thumbnail, to_8bit


def stored_pixels(image: Image) -> Pixels:
    """The canonical pixels as they lie in storage."""
    return decode_png(_stored_png(image))


def picture_png(image: Image) -> bytes:
    """The whole picture in eight bits: a browser would show deeper ones too dark or too bright."""
    if image.bits == 8:
        return _stored_png(image)
    return encode_png(to_8bit(stored_pixels(image)))


def thumbnail_png(image: Image) -> bytes:
    """The thumbnail, made when first asked for and kept."""
    storage, path = image.file.storage, image.thumbnail_path
    try:
        with storage.open(path, "rb") as file:
            kept: bytes = file.read()
            return kept
    except FileNotFoundError:
        small = thumbnail(stored_pixels(image))
        storage.save(path, ContentFile(small))
        return small


def _stored_png(image: Image) -> bytes:
    with image.file.open("rb") as file:
        data: bytes = file.read()
        return data
