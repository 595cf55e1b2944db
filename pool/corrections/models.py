"""Corrections of many images at once, and what stood there before."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

MOST_REASON = 200


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def editable_by(self, person: Any) -> Self:
        """Those of images in datasets that this person may change."""
        images: Any = CorrectedImage._meta.get_field("image").related_model
        corrected = CorrectedImage.objects.filter(
            correction=models.OuterRef("pk"), image__in=images.objects.editable_by(person)
        )
        return self.filter(models.Exists(corrected))


class Correction(models.Model):
    """One value that a person gave to a field of many images, with the reason."""

    class Field(models.TextChoices):
        FINDING = "label", "Finding"
        SPLIT = "split", "Split"

    field = models.CharField(max_length=5, choices=Field)
    value = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=MOST_REASON)
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField(db_default=Now())
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    taken_back_at = models.DateTimeField(null=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        ordering = ["-corrected_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(field__in=["label", "split"]), name="correction_field_known"
            ),
            models.CheckConstraint(
                condition=models.Q(taken_back_by=None, taken_back_at=None)
                | models.Q(taken_back_by__isnull=False, taken_back_at__isnull=False),
                name="correction_taken_back_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_field_display()}: {self.value or 'none'}"

    def get_absolute_url(self) -> str:
        return reverse("pool:correction", args=[self.pk])


class CorrectedImage(models.Model):
    """An image that a correction changed, and what it said before."""

    correction = models.ForeignKey(Correction, on_delete=models.CASCADE, related_name="corrected_images")
    image = models.ForeignKey("pool.Image", on_delete=models.CASCADE, related_name="corrections")
    before = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-correction_id", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["correction", "image"], name="corrected_once_per_correction")
        ]

    def __str__(self) -> str:
        return f"{self.image_id} was {self.before or 'none'}"
