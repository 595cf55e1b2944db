"""Doorbells: each fetches its row and calls a method."""

from celery import shared_task

from rating.models import Freeze


@shared_task
def run_freeze(freeze_id: int) -> None:
    Freeze.objects.get(pk=freeze_id).perform()
