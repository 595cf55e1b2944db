"""The tasks of bundles: one makes a bundle, one deletes the files of old ones."""

from __future__ import annotations

from celery import shared_task

from jobs.workers import runners
from rating.results.computation.bundle_job import BundleJob

runners.register(BundleJob, "rating.results.export.bundle_runner.make_bundle")


@shared_task
def run_bundle_job(job_id: int) -> None:
    BundleJob.objects.get(pk=job_id).perform()


@shared_task
def drop_old_bundles() -> None:
    BundleJob.objects.outdated().drop_files()
