"""A generation job at work: what is missing is asked of the engine, each answer committed by itself."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import NotRequired, TypedDict

import numpy as np
from django.conf import settings
from django.db import OperationalError, transaction

from generation.images.engines.diffusion import DiffusionEngine
from generation.images.engines.openai_images import OpenAIImagesEngine
from generation.images.engines.phantom import PhantomEngine
from generation.images.engines.pipeline import PipelineEngine
from generation.images.engines.protocol import (
    Engine,
    EngineError,
    EngineImage,
    GenerationRequest,
    ImageSpec,
    NeedsPersonError,
    Refusal,
    engine_errors,
)
from generation.images.models import GenerationJob
from generation.images.outcomes import GeneratedImage
from generation.images.rate_limit import seconds_until_turn
from generation.images.sources import patient_of, sources_of
from generation.images.spend_ledger import Ledger
from generation.training import pipeline_folder
from generation.training.models import Checkpoint
from generation.training.tuned_models import checkpoint_behind, name_of
from generation.training.warm_starts import trained_on_before
from jobs.disk_space import is_out_of_room
from jobs.models import (
    JobCancelledError,
    JobFailedError,
    JobLostError,
    JobNeedsRoomError,
    JobPausedError,
    JobStepsAsideError,
)
from jobs.throttle import Throttle
from pool.canonical.previews import image_png
from pool.canonical.texts import line
from pool.canonical.window_words import window_range
from pool.imports.store import DuplicatePixelsError, add_image
from pool.models import Image

TURN_CHECK = 5.0
REASON_LENGTH = 300
Outcome = GeneratedImage.Outcome


class OutcomeColumns(TypedDict):
    """What an answer leaves in its row: an image, or why there is none."""

    prompt: str
    outcome: str
    reason: NotRequired[str]
    image: NotRequired[Image]


def engine_of(job: GenerationJob) -> Engine:
    """The engine a job asks for, ready to work. Raises EngineError."""
    if job.engine == GenerationJob.Engine.DIFFUSION and job.checkpoint is not None:
        return DiffusionEngine(job.checkpoint.source())
    if job.engine == GenerationJob.Engine.PIPELINE:
        with engine_errors():
            lora, scale = job.settings.get("lora"), job.settings.get("lora_scale")
            return PipelineEngine(
                pipeline_folder.source(job.api_model, lora=lora or "", lora_scale=scale or 1.0)
            )
    if job.engine == GenerationJob.Engine.OPENAI:
        return OpenAIImagesEngine(job.api_model, base_url=settings.OPENAI_BASE_URL, pace=seconds_until_turn)
    return PhantomEngine()


def fill(job: GenerationJob, engine: Engine | None = None) -> None:
    """Make what the job still lacks. Raises JobFailedError, JobPausedError, JobCancelledError, JobLostError or JobStepsAsideError."""
    ledger = Ledger(job)
    ledger.open()
    _find_checkpoint(job)
    settled = set(job.outcomes.values_list("index", flat=True))
    missing = [index for index in range(job.total) if index not in settled]
    going_on = f"Going on: {len(missing)} of {job.total} are missing." if settled else None
    job.beat(done=len(settled), message=going_on)
    try:
        if missing:
            job.beat(message="Preparing the engine…" if not settled else None)
            answers = (engine or engine_of(job)).generate(_request(job, ledger), missing)
            with contextlib.closing(answers):  # an engine stops its work when nobody takes it any more
                for answer in answers:
                    _settle(job, answer, ledger)
        ledger.close()
    except NeedsPersonError as error:
        ledger.close()
        raise JobPausedError(str(error)) from error
    except EngineError as error:
        ledger.close()
        raise JobFailedError(str(error)) from error
    except (JobCancelledError, JobStepsAsideError, JobPausedError, JobFailedError):
        ledger.close()
        raise
    except OSError as error:  # what was paid for and could not be stored stays in the ledger as unanswered
        if is_out_of_room(error):
            raise JobNeedsRoomError from error
        raise JobFailedError(f"An image could not be stored ({error.strerror or error}).") from error
    except OperationalError as error:
        if is_out_of_room(error):
            raise JobNeedsRoomError from error
        raise
    _sum_up(job)


def _find_checkpoint(job: GenerationJob) -> None:
    """Note whose result a pipeline or a LoRA is where it was fine-tuned here: what it learned from must be known."""
    if job.engine == GenerationJob.Engine.PIPELINE and job.checkpoint is None:
        job.checkpoint = checkpoint_behind(job.api_model, str(job.settings.get("lora") or ""))
        job.save(update_fields=["checkpoint"])


def _request(job: GenerationJob, ledger: Ledger) -> GenerationRequest:
    aside = Throttle(partial(_step_aside, job), seconds=TURN_CHECK)
    return GenerationRequest(
        modality=job.modality,
        label=job.label,
        prompt=job.prompt,
        seed=job.seed,
        settings=job.settings,
        image_specs=[ImageSpec(**spec) for spec in job.image_specs],
        source=_source(job) if job.engine == GenerationJob.Engine.OPENAI else b"",
        sources=sources_of(job),
        heartbeat=Throttle(job.beat),
        may_stop=aside,
        before_sending=ledger.before_sending,
        note=job.log,
    )


def _source(job: GenerationJob) -> bytes:
    """The image to start from, where the job edits one."""
    if not job.settings.get("edit_of"):
        return b""
    image = Image.objects.usable().filter(pk=job.settings["edit_of"]).first()
    if image is None:
        raise JobFailedError(
            "The image that was to be edited is not in the pool, or somebody has excluded it."
        )
    return image_png(image)


def _step_aside(job: GenerationJob) -> None:
    if job.others_wait():
        raise JobStepsAsideError("Waiting for its next turn: others go first.")


def _settle(job: GenerationJob, answer: EngineImage | Refusal, ledger: Ledger) -> None:
    """Commit one answer with its image, or nothing of it when the job is another worker's by now."""
    with transaction.atomic():
        own_row = GenerationJob.objects.owned_by(job)
        done = job.done + 1
        # The update holds the row until the commit, so nobody can take the job over in between.
        if not own_row.update(done=done, message=f"{done} of {job.total}", **ledger.settling(answer)):
            raise JobLostError
        GeneratedImage.objects.create(job=job, index=answer.index, seed=answer.seed, **_outcome(job, answer))
    job.done = done


def _outcome(job: GenerationJob, answer: EngineImage | Refusal) -> OutcomeColumns:
    spec = (
        ImageSpec(**job.image_specs[answer.index % len(job.image_specs)])
        if job.image_specs
        else ImageSpec(job.prompt, job.label)
    )
    if isinstance(answer, Refusal):
        reason = line(answer.reason, most=REASON_LENGTH) or "No reason was named."
        return {"prompt": spec.prompt, "outcome": answer.outcome, "reason": reason}
    if answer.pixels.min() == answer.pixels.max():
        reason = "The image is of one even colour."
        return {"prompt": spec.prompt, "outcome": Outcome.FILTERED, "reason": reason}
    provenance = {**answer.provenance, "job": job.pk, "index": answer.index, **_origin(job)}
    if answer.seed is not None:
        provenance["seed"] = str(answer.seed)  # as text: 63 bits do not survive every JSON reader
    try:
        image = add_image(
            job.dataset,
            answer.pixels,
            label=spec.label,
            provenance=provenance,
            values=_values(answer, job.modality),
        )
        patient = patient_of(provenance, modality=job.modality, label=spec.label)
        if patient and not image.patient_key:
            image.patient_key = patient
            image.save(update_fields=["patient_key"])
    except DuplicatePixelsError as error:
        reason = line(str(error), most=REASON_LENGTH)
        return {"prompt": spec.prompt, "outcome": Outcome.DUPLICATE, "reason": reason}
    return {"prompt": spec.prompt, "outcome": Outcome.MADE, "image": image}


def _origin(job: GenerationJob) -> Mapping[str, object]:
    if job.checkpoint is None:
        return {}
    run = job.checkpoint.run
    earlier = trained_on_before(run) if run else []
    return {
        "model": job.checkpoint.name,
        "checkpoint_step": job.checkpoint.step,
        "checkpoint_sha256": job.checkpoint.sha256,
        "trained_on": run.dataset.name if run else "",
        **({"trained_on_before": earlier} if earlier else {}),
        **(job.checkpoint.fidelity if _is_as_measured(job, job.checkpoint) else {}),
    }


def _is_as_measured(job: GenerationJob, checkpoint: Checkpoint) -> bool:
    """Not where a LoRA from elsewhere lies on top of the checkpoint, nor of images that start from others."""
    if job.settings.get("strength"):
        return False
    lora = str(job.settings.get("lora") or "")
    return not lora or (checkpoint.run is not None and name_of(checkpoint.run) == lora.partition("@")[0])


def _values(answer: EngineImage, modality: str) -> bytes:
    """Of an image in sixteen bits whose window is known the values behind it, so that another can be laid on."""
    limits = window_range(str(answer.provenance.get("Window", "")))
    if answer.pixels.dtype != np.uint16 or limits is None:
        return b""
    from pool.imports.dicom.kind import BY_PERSON
    from pool.imports.dicom.value_file import value_file_of_levels

    return value_file_of_levels(answer.pixels.astype(np.uint16), limits, BY_PERSON.get(modality, "OT"))


def _sum_up(job: GenerationJob) -> None:
    """End in words; a job that made nothing has failed, and says why."""
    outcomes = Counter(job.outcomes.values_list("outcome", flat=True))
    if not outcomes[Outcome.MADE]:
        reason = job.outcomes.exclude(reason="").values_list("reason", flat=True).first() or ""
        raise JobFailedError(f"None of the {job.total} images was made. {reason}".strip())
    parts = [f"{number} {Outcome(kind).label.lower()}" for kind, number in sorted(outcomes.items())]
    job.beat(done=job.total, message=", ".join(parts))
