"""The task of utility experiments: it fetches the row and lets it work."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import task_postrun

from generation.utility.models import UtilityExperiment
from jobs.workers import runners

runners.register(UtilityExperiment, "generation.utility.runner.carry_out")
STAGES = frozenset({"generation.images.tasks.run_generation", "generation.training.tasks.run_training"})


@shared_task
def run_utility(experiment_id: int) -> None:
    experiment = UtilityExperiment.objects.get(pk=experiment_id)
    if experiment.advance():
        experiment.perform()


@task_postrun.connect
def advance_pipelines(sender: Any = None, **_: Any) -> None:
    """An experiment that waited for this stage may have its turn now; the sweep would enqueue it later."""
    if getattr(sender, "name", "") in STAGES:
        for experiment in UtilityExperiment.objects.in_a_chain():
            experiment.enqueue()
