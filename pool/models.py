"""What the pool holds: datasets of one provenance and the images in them."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Origin(models.TextChoices):
    REAL = "real"
    SYNTHETIC = "synthetic"


class Modality(models.TextChoices):
    XRAY = "xray", "X-ray"
    CT = "ct", "CT"
    MRI = "mri", "MRI"
    MICROSCOPY = "microscopy", "Microscopy"
    OTHER = "other", "Other"


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def with_usable_images(self) -> Self:
        """Datasets that hold images nobody has excluded, each with `usable_images`, their number."""
        usable = models.Count("images", filter=models.Q(images__excluded_reason=""))
        return self.annotate(usable_images=usable).filter(usable_images__gt=0)


class Dataset(models.Model):
    name = models.CharField(max_length=100, unique=True)
    origin = models.CharField(max_length=9, choices=Origin)
    modality = models.CharField(max_length=10, choices=Modality)
    description = models.TextField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    citation = models.TextField(blank=True)
    measurements = models.JSONField(default=dict, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(origin__in=Origin.values), name="dataset_origin_known"),
            models.CheckConstraint(
                condition=models.Q(modality__in=Modality.values), name="dataset_modality_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ImageQuerySet(models.QuerySet["Image"]):
    def usable(self) -> Self:
        """Images nobody has excluded."""
        return self.filter(excluded_reason="")


def stored_path(image: Image, _filename: str) -> str:
    return f"images/{image.pk.hex[:2]}/{image.pk.hex}.png"


class Image(models.Model):
    """One picture in canonical form: a PNG of its pixels and nothing else.

    Origin, modality and label stand on the image too, so that a filter needs no join.
    """

    class Split(models.TextChoices):
        TRAIN = "train"
        TEST = "test"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="images")
    origin = models.CharField(max_length=9, choices=Origin)
    modality = models.CharField(max_length=10, choices=Modality)
    label = models.CharField("finding", max_length=100, blank=True)
    patient_key = models.CharField(max_length=64, blank=True, help_text="A keyed hash, never an identifier.")
    split = models.CharField(max_length=5, choices=Split, blank=True)
    file = models.FileField(upload_to=stored_path, max_length=200)
    source_name = models.CharField(max_length=255, blank=True)
    source_sha256 = models.CharField(max_length=64, blank=True)
    pixel_sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    bits = models.PositiveSmallIntegerField()
    perceptual_hash = models.CharField(max_length=16, blank=True)
    provenance = models.JSONField(default=dict, blank=True)
    excluded_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "pixel_sha256"], name="image_pixels_once_per_dataset"),
            models.CheckConstraint(condition=models.Q(origin__in=Origin.values), name="image_origin_known"),
            models.CheckConstraint(
                condition=models.Q(modality__in=Modality.values), name="image_modality_known"
            ),
            models.CheckConstraint(condition=models.Q(bits__in=[8, 16]), name="image_bits_8_or_16"),
        ]
        indexes = [
            models.Index(fields=["modality", "origin", "label"], name="image_stratum"),
            models.Index(fields=["perceptual_hash"], name="image_perceptual_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.pk}"
