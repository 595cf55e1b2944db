"""A machine that reads a study, as a job: asked for on a page, carried out by a worker, going on where it stopped."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse

from jobs.models import Job, JobQuerySet
from rating.models import Study


class MachineReading(Job):
    """A model in a folder of the home's models (`folder`), or a vision model of the API (`model`), and what it reads."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="machine_readings")
    folder = models.CharField(max_length=200, blank=True)
    model = models.CharField("vision model", max_length=100, blank=True)
    unsure = models.FloatField(default=0.0)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    task = "lungrater.machines.tasks.run_machine_reading"
    subjects = ("study",)

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(folder="") ^ models.Q(model=""),
                name="machine_reading_by_one_machine",
                violation_error_message="Choose a model of this home or name a vision model, one of the two.",
            ),
            models.CheckConstraint(
                condition=models.Q(unsure__gte=0, unsure__lte=0.5), name="machine_reading_unsure_to_a_half"
            ),
            models.UniqueConstraint(
                fields=["study", "folder", "model", "unsure"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_reading_of_a_machine_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.folder or self.model} reads {self.study}"

    def get_absolute_url(self) -> str:
        return reverse("machines", args=[self.study.slug])

    @property
    def queue(self) -> str:  # type: ignore[override]  # the same string, but it depends on the machine
        return "api" if self.model else "gpu"
