"""A machine at work on a study, going on where it stopped."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from generation.images.engines.protocol import EngineError
from jobs.models import JobFailedError
from lungrater.machines.model_folder import NotAModelError, looker_of
from lungrater.machines.models import MachineReading
from lungrater.machines.vision_model import VisionLooker
from rating.reading.machine_raters import Looker, enrol_machine, read
from rating.studies.study import NotPossibleError


def read_study(job: MachineReading) -> None:
    """Let the machine read what it has not read yet. Raises JobFailedError."""
    try:
        looker = _looker(job)
        enrolment = enrol_machine(job.study, looker, by=job.requested_by)
        for reading in read(enrolment, looker):
            if not reading.done:
                job.total = reading.total
                job.save(update_fields=["total"])
            job.beat(done=reading.done, message=f"{enrolment.pseudonym} reads.")
    except (NotPossibleError, NotAModelError, EngineError) as reason:
        raise JobFailedError(
            f"{reason} What is rated stays; ask the same machine again to go on."
        ) from reason
    if reading.silent:
        raise JobFailedError(
            f"{reading.silent} of {reading.total} images have no answer ({reading.why}) "
            "Ask the same machine again for these."
        )
    job.beat(message=f"{enrolment.pseudonym} has read all its images.")


def _looker(job: MachineReading) -> Looker:
    if job.model:
        return VisionLooker(job.model, job.study.instructions, settings.OPENAI_BASE_URL)
    return looker_of(Path(settings.MODELS_DIR) / job.folder, unsure=job.unsure)
