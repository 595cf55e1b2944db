"""The task of machine readings."""

from __future__ import annotations

from celery import shared_task

from jobs.workers import runners
from lungrater.machines.models import MachineReading

runners.register(MachineReading, "lungrater.machines.runner.read_study")


@shared_task
def run_machine_reading(reading_id: int) -> None:
    MachineReading.objects.get(pk=reading_id).perform()
