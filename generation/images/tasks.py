"""The task of image generation: it fetches the row and lets it work."""

from __future__ import annotations

from celery import shared_task

from generation.images.models import GenerationJob
from jobs.workers import runners

runners.register(GenerationJob, "generation.images.runner.fill")


@shared_task
def run_generation(job_id: int) -> None:
    """A message to this job's queue: whose turn it is there is served, which need not be the one who sent it."""
    GenerationJob.objects.serve(GenerationJob.objects.get(pk=job_id).queue)
