"""The slices of an image that is an ordered stack. Its middle one is the image's own file; the others have a row each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.fields.files import FieldFile

if TYPE_CHECKING:
    from pool.models import Image


def slice_path(_slice: models.Model, _filename: str) -> str:
    name = uuid.uuid4().hex
    return f"slices/{name[:2]}/{name}.png"


def slice_value_path(_slice: models.Model, _filename: str) -> str:
    name = uuid.uuid4().hex
    return f"values/{name[:2]}/{name}.dcm"


class Slice(models.Model):
    """One slice of a stack, but for the middle one."""

    image = models.ForeignKey("pool.Image", on_delete=models.CASCADE, related_name="other_slices")
    number = models.PositiveIntegerField(help_text="1 first, in the order in which they lie.")
    file = models.FileField(upload_to=slice_path, max_length=200)
    # What a window was laid on, as of an image; empty where there was no more to keep.
    values = models.FileField(upload_to=slice_value_path, max_length=200, blank=True, db_default="")
    pixel_sha256 = models.CharField(max_length=64)
    source_sha256 = models.CharField(max_length=64, blank=True)  # of its own file, where it came in one

    class Meta:
        app_label = "pool"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["image", "number"], name="slice_number_once_per_image"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="slice_numbers_begin_with_1"),
        ]

    def __str__(self) -> str:
        return f"slice {self.number} of {self.image_id}"


@dataclass(frozen=True)
class SliceFile:
    """A slice as it is stored: its number, 1 first, its PNG, the hash of its pixels, that of its file, and its values."""

    number: int
    png: bytes
    pixel_sha256: str
    source_sha256: str = ""
    values: bytes = b""


def middle_of(number: int) -> int:
    """The number of the middle one of so many slices, 1 first."""
    return number // 2 + 1


def spread(slices: int, number: int) -> list[int]:
    """The numbers of so many evenly spaced slices of a stack, its middle one in the middle of them."""
    if not 1 <= number <= slices:
        raise ValueError(f"{number} of {slices} slices")
    before_middle = number // 2
    # Whole numbers throughout: 2·number steps of a slice each, so that no rounding moves one.
    return [
        (slices * number + 2 * (place - before_middle) * slices) // (2 * number) + 1
        for place in range(number)
    ]


def slice_files(image: Image, number: int) -> Sequence[FieldFile]:
    """The files of so many evenly spaced slices of an image, in order; of one, its own file."""
    others = {row.number: row.file for row in image.other_slices.all()} if number > 1 else {}
    own = middle_of(image.slices)
    return [image.file if place == own else others[place] for place in spread(image.slices, number)]
