"""A new image of the pool, row and file both or neither, and the key that a patient goes by."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile
from django.utils.crypto import salted_hmac

from pool.canonical.texts import line
from pool.models import Image
from pool.storage.paths import stored_path, value_path
from pool.storage.slices import Slice, SliceFile, slice_path, slice_value_path

ONCE = "image_pixels_once_per_dataset"


class DuplicatePixelsError(Exception):
    """The dataset already holds these very pixels, as `image`."""

    def __init__(self, image: Image) -> None:
        super().__init__(f"The dataset already holds these pixels as {image.source_name or image.pk}.")
        self.image = image


def insert(image: Image, png: bytes, values: bytes = b"") -> None:
    """Store a new image, and the values behind it where there are more. Raises DuplicatePixelsError.

    The row goes first: the constraint then turns a duplicate away before any file is written.
    """
    image.file.name = stored_path(image, "")
    image.values.name = value_path(image, "") if values else ""
    image.file_bytes = len(png) + len(values)
    try:
        with transaction.atomic():
            image.save(force_insert=True)
            _store(image.file, png)
            if values:
                _store(image.values, values)
    except IntegrityError as error:
        if _constraint(error) != ONCE:
            raise
        there = Image.objects.get(dataset_id=image.dataset_id, pixel_sha256=image.pixel_sha256)
        raise DuplicatePixelsError(there) from error


def insert_stack(image: Image, png: bytes, others: Iterable[SliceFile], values: bytes = b"") -> None:
    """Store a new image that is a stack: its middle slice as any image, and the other ones.

    All of it, or nothing. Raises DuplicatePixelsError where the dataset holds the middle slice already.
    """
    rows: list[Slice] = []
    try:
        with transaction.atomic():
            insert(image, png, values)
            for each in others:
                row = Slice(
                    image=image,
                    number=each.number,
                    pixel_sha256=each.pixel_sha256,
                    source_sha256=each.source_sha256,
                )
                row.file.name = slice_path(row, "")
                rows.append(row)
                _store(row.file, each.png)
                if each.values:
                    row.values.name = slice_value_path(row, "")
                    _store(row.values, each.values)
                image.file_bytes = (image.file_bytes or 0) + len(each.png) + len(each.values)
            Slice.objects.bulk_create(rows, batch_size=500)
            image.save(update_fields=["file_bytes"])
    except DuplicatePixelsError:
        raise
    except BaseException:
        stored = (image.file, image.values, *(file for row in rows for file in (row.file, row.values)))
        for file in filter(None, stored):
            file.storage.delete(str(file.name))
        raise


def patient_key(identifier: str) -> str:
    """The same key for the same patient everywhere here, and no way back without the site's secret."""
    identifier = line(identifier)
    if not identifier:
        return ""
    return salted_hmac("pool.patient", identifier, algorithm="sha256").hexdigest()


def series_key(identifier: str) -> str:
    """The same for the series of an image."""
    return salted_hmac("pool.series", identifier, algorithm="sha256").hexdigest() if identifier else ""


def _store(file: FieldFile, data: bytes) -> None:
    storage, name = file.storage, str(file.name)
    try:
        storage.save(name, ContentFile(data))
    except BaseException:
        storage.delete(name)  # a full disk leaves half a file
        raise


def _constraint(error: IntegrityError) -> str | None:
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
