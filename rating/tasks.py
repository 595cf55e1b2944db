"""Doorbells: each fetches its row and calls a method."""

from celery import shared_task

from rating.models import BlindingAudit, Freeze


@shared_task
def run_freeze(freeze_id: int) -> None:
    Freeze.objects.get(pk=freeze_id).perform()


@shared_task
def run_blinding_audit(audit_id: int) -> None:
    BlindingAudit.objects.get(pk=audit_id).perform()
