"""Files that wait for a person before they may be images of the pool; until then they are rows of their own table."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from pool.canonical.attributes import lines_of

MOST_REASON = 300


def held_path(row: HeldFile, _filename: str) -> str:
    return f"held/{row.pk.hex[:2]}/{row.pk.hex}.png"


def held_value_path(row: HeldFile, _filename: str) -> str:
    return f"held/{row.pk.hex[:2]}/{row.pk.hex}.dcm"


class HeldFileQuerySet(models.QuerySet["HeldFile"]):
    def editable_by(self, person: Any) -> Self:
        """Those of datasets this person may change: whoever only looks at a dataset sees none of what it holds back."""
        datasets: Any = HeldFile._meta.get_field("dataset").related_model
        return self.filter(dataset__in=datasets.objects.editable_by(person))

    def waiting(self) -> Self:
        return self.filter(state=HeldFile.State.WAITING)

    def overdue(self) -> Self:
        """Those that have waited for longer than this site keeps what nobody decides of; none where it keeps them for ever."""
        days = settings.HELD_FILE_DAYS
        return self.waiting().filter(created_at__lt=Now() - timedelta(days=days)) if days else self.none()

    def discarded(self) -> Self:
        return self.filter(state=HeldFile.State.DISCARDED)


class HeldFile(models.Model):
    """One image on the release desk: nothing that draws, counts or shows images of the pool can meet it.

    Its pixels lie in the storage until a person has decided; the row stays, with who decided, when and why.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RELEASED = "released"
        DISCARDED = "discarded"
        EXPIRED = "expired"  # nobody decided in time; the next import lays it on the desk again

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey("pool.Dataset", on_delete=models.PROTECT, related_name="held_files")
    import_job = models.ForeignKey(
        "pool.ImportJob", on_delete=models.PROTECT, null=True, editable=False, related_name="held_files"
    )
    hold_reason = models.CharField(max_length=MOST_REASON)
    file = models.FileField(upload_to=held_path, max_length=200, blank=True)
    # What a window was laid on, as of an image; it goes where the pixels go.
    values = models.FileField(upload_to=held_value_path, max_length=200, blank=True, db_default="")
    # What the image will say of itself once it is one.
    label = models.CharField("finding", max_length=300, blank=True)
    patient_key = models.CharField(max_length=64, blank=True)
    split = models.CharField(max_length=5, blank=True)
    source_name = models.CharField(max_length=255)
    source_sha256 = models.CharField(max_length=64)
    pixel_sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    provenance = models.JSONField(default=dict, blank=True)
    notes = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=MOST_REASON, blank=True)
    mask = models.JSONField(default=list, blank=True)  # rectangles: [left, top, width, height]
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, editable=False)
    image = models.OneToOneField(
        "pool.Image", on_delete=models.PROTECT, null=True, editable=False, related_name="held_file"
    )

    objects = HeldFileQuerySet.as_manager()

    class Meta:
        app_label = "pool"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "pixel_sha256"], name="held_pixels_once_per_dataset"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "released", "discarded", "expired"]),
                name="held_file_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting")
                | models.Q(decided_at__isnull=False) & ~models.Q(reason=""),
                name="held_file_decided_with_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(state="released") | models.Q(image=None),
                name="held_file_no_image_before_release",
            ),
        ]
        indexes = [models.Index(fields=["dataset", "state"], name="held_file_desk")]

    def __str__(self) -> str:
        return f"{self.source_name}: {self.state}"

    def get_absolute_url(self) -> str:
        return reverse("pool:held_file", args=[self.pk])

    @property
    def said_of_it(self) -> list[tuple[str, str]]:
        """The provenance as lines to read."""
        return lines_of(self.provenance)

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.WAITING

    @property
    def outcome(self) -> str:
        """What became of it, in a sentence for lists of an import."""
        if self.is_waiting:
            return self.hold_reason
        return f"{self.hold_reason} {self.get_state_display()}: {self.reason}"
