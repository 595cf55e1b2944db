"""Ratings made elsewhere, as they were imported: whoever made them, whatever their raters knew."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts.membership.models import Membership, Shared, SharedQuerySet
from audit import record
from rating.studies.randomness import random_slug

NOTICE = "Imported: these ratings were made elsewhere. LungRater neither blinded nor timed them, and cannot say how they were made."


class ImportedRatingsQuerySet(SharedQuerySet["ImportedRatings"]):
    pass


class ImportedRatings(Shared):
    """A file of ratings and its numbers. It never changes; whoever owns it may remove it."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True, default=random_slug, editable=False)
    origin = models.CharField(
        "where they come from",
        max_length=1000,
        blank=True,
        help_text="Who rated what, with which tool and knowing what: it stands beside the numbers.",
    )
    file_name = models.CharField(max_length=255, editable=False)
    file_sha256 = models.CharField(max_length=64, editable=False)
    table = models.JSONField(editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ImportedRatingsQuerySet.as_manager()

    class Meta:
        app_label = "rating"
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "imported ratings"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("rating:imported", args=[self.slug])

    @property
    def results_folder(self) -> Path:
        """Where what is computed of them is stored."""
        return Path(settings.HOME.root) / "analysis" / f"imported-{self.pk}"

    def remove(self, *, by: Any, reason: str) -> None:
        record(self, by, "removed imported ratings", reason=reason, name=self.name, sha256=self.file_sha256)
        folder = self.results_folder
        self.delete()
        transaction.on_commit(partial(shutil.rmtree, folder, ignore_errors=True))


class ImportedRatingsMembership(Membership):
    subject = models.ForeignKey(ImportedRatings, on_delete=models.CASCADE, related_name="memberships")

    class Meta(Membership.Meta):
        app_label = "rating"
