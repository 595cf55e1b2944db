"""The task of machine readings."""

from __future__ import annotations

from celery import shared_task

from jobs.workers import runners
from lungrater.machines.models import MachineReading
from lungrater.machines.runner import read_study

runners.register(MachineReading, read_study)


@shared_task
def run_machine_reading(reading_id: int) -> None:
    MachineReading.objects.get(pk=reading_id).perform()
