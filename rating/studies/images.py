"""An image in a study, and the sets of a forced choice."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models.fields.files import FieldFile

from pool.models import Image
from pool.storage.slices import middle_of
from rating.studies.sampling.strata import Role

LETTERS = "abcd"  # of the images of a set, by code


def derivative_path(study_image: StudyImage, _filename: str) -> str:
    return f"derivatives/{study_image.study_id}/{secrets.token_hex(16)}.png"


def slice_path(study_slice: StudySlice, _filename: str) -> str:
    return derivative_path(study_slice.study_image, "")


class StudyImage(models.Model):
    """An image's place in a study, with the blinded derivative that raters see."""

    study = models.ForeignKey("rating.Study", on_delete=models.CASCADE, related_name="images")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=8)
    role = models.CharField(max_length=8, choices=Role, default=Role.MAIN)
    block = models.PositiveSmallIntegerField(default=0)  # 0: read by every rater
    # In a forced choice a set goes by the image with its lowest code; the others stand beside that one.
    beside = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, editable=False, related_name="companions"
    )
    derivative = models.FileField(upload_to=derivative_path, max_length=200, blank=True)
    derivative_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["study", "image"], name="image_once_per_study"),
            models.UniqueConstraint(fields=["study", "code"], name="code_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.code

    def slice_file(self, number: int, slices: int) -> FieldFile | None:
        """The derivative of this slice of as many as the study shows; None where there is none."""
        if number == middle_of(slices):
            return self.derivative
        row = self.other_slices.filter(number=number).first()
        return row.derivative if row else None

    @property
    def members(self) -> list[StudyImage]:
        """The images of the set that goes by this one, by code; each has the letter of its place here: a, b …"""
        companions = list(self.companions.select_related("image").order_by("code"))
        return [self, *companions]


class StudySlice(models.Model):
    """One slice of a stack as raters see it; the middle one is the study image's own derivative."""

    study_image = models.ForeignKey(StudyImage, on_delete=models.CASCADE, related_name="other_slices")
    number = models.PositiveIntegerField(help_text="1 first, of as many as the study shows of every image.")
    derivative = models.FileField(upload_to=slice_path, max_length=200)
    derivative_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["study_image", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study_image", "number"], name="slice_once_per_study_image"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="study_slices_begin_with_1"),
        ]

    def __str__(self) -> str:
        return f"{self.study_image} slice {self.number}"
