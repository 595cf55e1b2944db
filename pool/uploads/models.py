"""Files on their way here in pieces: a row each, so that a broken line costs the last piece and no more."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse


class ResumableUploadQuerySet(models.QuerySet["ResumableUpload"]):
    def owned_by(self, person: Any) -> Self:
        return self.filter(owner=person)

    def complete(self) -> Self:
        return self.filter(is_complete=True)

    def abandoned(self) -> Self:
        """Those that nobody has gone on with, or imported, for longer than they are kept."""
        return self.filter(touched_at__lt=Now() - lifetime())


class ResumableUpload(models.Model):
    """One file of a person's that is being sent, or has been and waits for the import it is meant for.

    While it comes its bytes lie in the home (`pool.uploads.staging`), whose size is the offset; the complete file lies in
    the storage.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    # A tar that a page has made of many files: its name means nothing, the paths in it are those of the person.
    is_pack = models.BooleanField(default=False)
    # What the page knows the file by, so that the same one chosen again goes on where it stopped.
    fingerprint = models.CharField(max_length=64, blank=True)
    length = models.PositiveBigIntegerField()
    is_complete = models.BooleanField(default=False)
    file = models.FileField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    touched_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ResumableUploadQuerySet.as_manager()

    class Meta:
        app_label = "pool"
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_complete=False) | ~models.Q(file=""),
                name="complete_upload_has_a_file",
            ),
        ]
        indexes = [models.Index(fields=["touched_at"], name="resumable_upload_touched")]

    def __str__(self) -> str:
        return f"upload {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("pool:resumable_upload", args=[self.pk])

    @property
    def stored_name(self) -> str:
        """Where the complete file lies in the storage: the same at every try, so that a dead process leaves no second one."""
        return f"uploads/{self.pk.hex}"

    @property
    def expires_at(self) -> datetime:
        return self.touched_at + lifetime()


def lifetime() -> timedelta:
    return timedelta(days=settings.UPLOAD_DAYS)
