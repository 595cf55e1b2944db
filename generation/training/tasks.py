"""The task of training: it fetches the row and lets it work."""

from __future__ import annotations

from celery import shared_task

from generation.training.finetune_runner import finetune_for
from generation.training.models import TrainingRun
from generation.training.runner import train_for
from jobs.workers import runners


def _train(run: TrainingRun) -> None:
    """From nothing, or on from a pipeline."""
    (finetune_for if run.is_finetuning else train_for)(run)


runners.register(TrainingRun, _train)


@shared_task
def run_training(run_id: int) -> None:
    TrainingRun.objects.get(pk=run_id).perform()
