"""The tasks of releases: one makes a release, one deletes the files of old ones."""

from __future__ import annotations

from celery import shared_task

from jobs.workers import runners
from pool.publication.models import DatasetRelease

runners.register(DatasetRelease, "pool.publication.runner.make_release")


@shared_task
def run_release_job(job_id: int) -> None:
    DatasetRelease.objects.get(pk=job_id).perform()


@shared_task
def drop_old_releases() -> None:
    DatasetRelease.objects.outdated().drop_files()
