"""The task that computes a study's numbers: it fetches its row and lets it work."""

from __future__ import annotations

from celery import shared_task

from jobs.workers import runners
from rating.results.computation.analysis import Analysis

runners.register(Analysis, "rating.results.computation.computing.analyse")


@shared_task
def run_analysis(analysis_id: int) -> None:
    Analysis.objects.get(pk=analysis_id).perform()
