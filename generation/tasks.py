"""Doorbells: each fetches its row and lets it work."""

from __future__ import annotations

from celery import shared_task

from generation import presence  # noqa: F401  (its signals keep every worker present)
from generation.models import GenerationJob, QualityReport, TrainingRun, UtilityExperiment


@shared_task
def run_generation(job_id: int) -> None:
    """A bell of this job's queue: whose turn it is there is served, which need not be the one who rang."""
    GenerationJob.objects.serve(GenerationJob.objects.get(pk=job_id).queue)
    _go_on_with_chains()


@shared_task
def run_training(run_id: int) -> None:
    TrainingRun.objects.get(pk=run_id).perform()
    _go_on_with_chains()


@shared_task
def run_utility(experiment_id: int) -> None:
    experiment = UtilityExperiment.objects.get(pk=experiment_id)
    if experiment.advance():
        experiment.perform()


def _go_on_with_chains() -> None:
    """An experiment that waited for this job may have its turn now; the sweep would ring for it later."""
    for experiment in UtilityExperiment.objects.in_a_chain():
        experiment.ring()


@shared_task
def run_quality(report_id: int) -> None:
    QualityReport.objects.get(pk=report_id).perform()
