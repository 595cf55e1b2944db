"""Doorbells: each fetches its row and lets it work."""

from __future__ import annotations

from celery import shared_task

from generation.models import GenerationJob, TrainingRun


@shared_task
def run_generation(job_id: int) -> None:
    GenerationJob.objects.get(pk=job_id).perform()


@shared_task
def run_training(run_id: int) -> None:
    TrainingRun.objects.get(pk=run_id).perform()
