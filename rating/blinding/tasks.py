"""The tasks of a freeze and of a blinding audit: each fetches its row and lets it work."""

from __future__ import annotations

from celery import shared_task

from jobs.workers import runners
from rating.blinding.audit import BlindingAudit
from rating.blinding.freeze import Freeze

runners.register(Freeze, "rating.blinding.freeze_runner.freeze")
runners.register(BlindingAudit, "rating.blinding.audit_runner.audit")


@shared_task
def run_freeze(freeze_id: int) -> None:
    Freeze.objects.get(pk=freeze_id).perform()


@shared_task
def run_blinding_audit(audit_id: int) -> None:
    BlindingAudit.objects.get(pk=audit_id).perform()
