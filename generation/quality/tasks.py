"""The task of quality reports: it fetches the row and lets it work."""

from __future__ import annotations

from celery import shared_task

from generation.quality.models import QualityReport
from jobs.workers import runners

runners.register(QualityReport, "generation.quality.runner.judge")


@shared_task
def run_quality(report_id: int) -> None:
    QualityReport.objects.get(pk=report_id).perform()
