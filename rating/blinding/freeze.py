"""The job that fixes a study's images, their blinded derivatives and every order."""

from __future__ import annotations

import logging

from django.db import models

from jobs.models import Job
from rating.studies.study import Study

logger = logging.getLogger(__name__)


class Freeze(Job):
    """Runs on a worker; run again after a crash it goes on where it stopped."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="freezes")

    task = "rating.blinding.tasks.run_freeze"
    subjects = ("study",)

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["study"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_freeze_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Freeze of {self.study}"

    def get_absolute_url(self) -> str:
        return self.study.get_absolute_url()
