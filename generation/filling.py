"""A generation job at work: what is missing is asked of the engine, each answer committed by itself."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.conf import settings
from django.db import transaction

from generation.engines.protocol import Engine, EngineError, GenerationRequest, Picture, Refusal
from generation.models import GeneratedImage, GenerationJob
from pool.importing import DuplicatePixels, add_image
from pool.jobs import Job, JobFailed, JobLost

PULSE = 1.0
REASON_LENGTH = 300
Outcome = GeneratedImage.Outcome


class Pulse:
    """A job's heartbeat that may be called as often as one likes."""

    def __init__(self, job: Job, *, every: float | None = None) -> None:
        self.job, self.every, self.last = job, PULSE if every is None else every, 0.0

    def __call__(self) -> None:
        if time.monotonic() - self.last >= self.every:
            self.job.beat()
            self.last = time.monotonic()


def engine_of(job: GenerationJob) -> Engine:
    """The engine a job asks for, ready to work; what drags in torch is imported here, in the worker."""
    if job.engine == GenerationJob.Engine.DIFFUSION and job.checkpoint is not None:
        from generation.engines.diffusion import DiffusionEngine

        return DiffusionEngine(job.checkpoint.source())
    if job.engine == GenerationJob.Engine.OPENAI:
        from generation.engines.openai_images import OpenAIImagesEngine

        return OpenAIImagesEngine(job.api_model, base_url=settings.OPENAI_BASE_URL)
    from generation.engines.phantom import PhantomEngine

    return PhantomEngine()


def fill(job: GenerationJob, engine: Engine | None = None) -> None:
    """Make what the job still lacks. Raises JobFailed, JobCancelled or JobLost."""
    settled = set(job.outcomes.values_list("index", flat=True))
    missing = [index for index in range(job.total) if index not in settled]
    if settled:
        job.beat(done=len(settled), message=f"Going on: {len(missing)} of {job.total} are missing.")
    request = GenerationRequest(
        modality=job.modality,
        label=job.label,
        prompt=job.prompt,
        seed=job.seed,
        settings=job.settings,
        heartbeat=Pulse(job),
    )
    try:
        if missing:
            job.beat(message="Preparing the engine…" if not settled else None)
            for answer in (engine or engine_of(job)).generate(request, missing):
                _settle(job, answer)
    except EngineError as error:
        raise JobFailed(str(error)) from error
    except OSError as error:
        raise JobFailed(f"A picture could not be stored ({error.strerror or error}).") from error
    _sum_up(job)


def _settle(job: GenerationJob, answer: Picture | Refusal) -> None:
    """Commit one answer with its image, or nothing of it when the job is another worker's by now."""
    with transaction.atomic():
        mine = GenerationJob.objects.select_for_update(of=["self"]).filter(
            pk=job.pk, state=GenerationJob.State.RUNNING, attempts=job.attempts
        )
        if not mine.exists():
            raise JobLost
        GeneratedImage.objects.create(job=job, index=answer.index, seed=answer.seed, **_outcome(job, answer))
        job.done = job.outcomes.count()
        mine.update(done=job.done, message=f"{job.done} of {job.total}")


def _outcome(job: GenerationJob, answer: Picture | Refusal) -> dict[str, Any]:
    prompt = {"prompt": job.prompt}
    if isinstance(answer, Refusal):
        return {**prompt, "outcome": answer.outcome, "reason": answer.reason[:REASON_LENGTH]}
    provenance = {**answer.provenance, "job": job.pk, "index": answer.index, **_origin(job)}
    if answer.seed is not None:
        provenance["seed"] = str(answer.seed)  # as text: 63 bits do not survive every JSON reader
    try:
        image = add_image(job.dataset, answer.pixels, label=job.label, provenance=provenance)
    except DuplicatePixels as error:
        return {**prompt, "outcome": Outcome.DUPLICATE, "reason": str(error)[:REASON_LENGTH]}
    return {**prompt, "outcome": Outcome.MADE, "image": image}


def _origin(job: GenerationJob) -> dict[str, Any]:
    if job.checkpoint is None:
        return {}
    return {
        "model": job.checkpoint.name,
        "checkpoint_step": job.checkpoint.step,
        "checkpoint_sha256": job.checkpoint.sha256,
        "trained_on": job.checkpoint.run.dataset.name if job.checkpoint.run else "",
    }


def _sum_up(job: GenerationJob) -> None:
    """End in words; a job that made nothing has failed, and says why."""
    outcomes = Counter(job.outcomes.values_list("outcome", flat=True))
    if not outcomes[Outcome.MADE]:
        reason = job.outcomes.exclude(reason="").values_list("reason", flat=True).first() or ""
        raise JobFailed(f"None of the {job.total} images was made. {reason}".strip())
    parts = [f"{number} {Outcome(kind).label.lower()}" for kind, number in sorted(outcomes.items())]
    job.beat(done=job.total, message=", ".join(parts))
