"""The task of training: it fetches the row and lets it work."""

from __future__ import annotations

from celery import shared_task

from generation.training.models import TrainingRun
from jobs.workers import runners

runners.register(TrainingRun, "generation.training.finetune_runner.train_or_finetune")


@shared_task
def run_training(run_id: int) -> None:
    TrainingRun.objects.get(pk=run_id).perform()
