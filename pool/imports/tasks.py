"""The tasks of imports: each fetches its row and lets it work."""

from __future__ import annotations

from contextlib import suppress

from celery import shared_task

from jobs.workers import runners
from pool.dicomweb.runner import forget_series
from pool.imports import uploads
from pool.models import HeldFile, ImportJob
from pool.release.desk import AlreadyDecidedError, expire
from pool.storage.file_sizes import measure_files

AT_ONCE = 1000


runners.register(ImportJob, "pool.imports.runner.run_import")


@shared_task
def run_import_job(job_id: int) -> None:
    ImportJob.objects.get(pk=job_id).perform()


@shared_task
def measure_image_files() -> None:
    measure_files()


@shared_task
def expire_held_files() -> None:
    """Let go of what lies on the release desk for too long; some at a time, the next run goes on."""
    for held_file in HeldFile.objects.overdue()[:AT_ONCE]:
        with suppress(AlreadyDecidedError):
            expire(held_file)


@shared_task
def drop_finished_uploads() -> None:
    uploads.drop_finished_uploads()
    forget_series()
