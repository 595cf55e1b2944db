"""A machine that reads a study, as a job: asked for on a page, carried out by a worker, going on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from pool.jobs import Job, JobFailed, JobQuerySet
from rating.machines import Looker, enrol_machine, read
from rating.models import Study
from rating.models.studies import NotPossible


class MachineReading(Job):
    """A model in a folder of the home's models (`folder`), or a vision model of the API (`model`), and what it reads."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="machine_readings")
    folder = models.CharField(max_length=200, blank=True)
    model = models.CharField("vision model", max_length=100, blank=True)
    unsure = models.FloatField(default=0.0)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

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

    @property
    def queue(self) -> str:  # type: ignore[override]  # the same string, but it depends on the machine
        return "api" if self.model else "gpu"

    def ring(self) -> None:
        from lungrater.tasks import run_machine_reading
        from pool.tasks import ring

        ring(run_machine_reading, self.pk, queue=self.queue)

    def run(self) -> None:
        from generation.engines.protocol import EngineError
        from lungrater.machines.folder import NotAModel

        try:
            looker = self._looker()
            enrolment = enrol_machine(self.study, looker, by=self.requested_by)
            for reading in read(enrolment, looker):
                if not reading.done:
                    self.total = reading.total
                    self.save(update_fields=["total"])
                self.beat(done=reading.done, message=f"{enrolment.pseudonym} reads.")
        except (NotPossible, NotAModel, EngineError) as reason:
            raise JobFailed(f"{reason} What is rated stays; ask the same machine again to go on.") from reason
        if reading.silent:
            raise JobFailed(
                f"{reading.silent} of {reading.total} images have no answer ({reading.why}) "
                "Ask the same machine again for these."
            )
        self.beat(message=f"{enrolment.pseudonym} has read all its images.")

    def _looker(self) -> Looker:
        from lungrater.machines.folder import looker_of
        from lungrater.machines.vision import VisionLooker

        if self.model:
            return VisionLooker(self.model, self.study.instructions, settings.OPENAI_BASE_URL)
        return looker_of(Path(settings.MODELS_DIR) / self.folder, unsure=self.unsure)
