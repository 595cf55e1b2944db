"""The log of acts that matter to blinding."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """Who did what to a study, and when; rows are only ever added."""

    study = models.ForeignKey("rating.Study", on_delete=models.PROTECT, related_name="events")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=40)
    reason = models.TextField(blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} of study {self.study_id}"

    @classmethod
    def record(cls, study: Any, user: Any, action: str, *, reason: str = "", **detail: Any) -> None:
        cls.objects.create(study=study, user=user, action=action, reason=reason, detail=detail)
