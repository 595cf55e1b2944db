"""Doorbells: a task fetches a row and lets it work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from celery import Task, current_app, shared_task
from celery.signals import worker_ready
from django.apps import apps
from django.db.models.functions import Now
from kombu.exceptions import OperationalError
from redis import RedisError

from pool.jobs import Job
from pool.models import ImportJob
from pool.uploads import drop_finished_uploads

logger = logging.getLogger(__name__)

RING_AGAIN_AFTER = timedelta(seconds=30)
RING_AT_ONCE = 20


def ring(task: Task[[int], None], job_id: int, *, queue: str | None = None) -> None:
    """Tell a worker about a job; when the broker is away the row waits for the next sweep."""
    where: dict[str, Any] = {"queue": queue} if queue else {}
    try:
        task.apply_async(args=(job_id,), retry=False, **where)
    except OperationalError:
        logger.warning("%s %s waits: the broker does not answer", task.name, job_id)


@shared_task
def run_import_job(job_id: int) -> None:
    ImportJob.objects.get(pk=job_id).perform()


@shared_task
def sweep_jobs() -> None:
    """Queue again what dead workers left, ring for what has waited unheard, drop what nobody needs."""
    for kind in job_kinds():
        if again := kind.objects.requeue_stale():
            logger.warning("%s: %s queued again after their worker went away", kind.__name__, again)
        waited = kind.objects.waiting().filter(created_at__lt=Now() - RING_AGAIN_AFTER)
        unheard: dict[str, bool] = {}
        for job in waited.order_by("created_at")[:RING_AT_ONCE]:
            if job.queue not in unheard:
                unheard[job.queue] = bells_unheard(job.queue) < RING_AT_ONCE
            if unheard[job.queue]:
                job.ring()
    drop_finished_uploads()


def bells_unheard(queue: str) -> int:
    """How many bells lie in the broker for this queue: behind a job of hours they must not pile up."""
    try:
        with current_app.connection_for_read() as broker:
            channel: Any = broker.default_channel  # Redis's, which its stub does not know
            return int(channel.client.llen(queue))
    except (OperationalError, RedisError, OSError):
        return 0  # nobody to ask: ringing will say so itself


def job_kinds() -> Iterator[type[Job]]:
    """Every kind of job of every app."""
    return (model for model in apps.get_models() if issubclass(model, Job))


@worker_ready.connect
def sweep_when_a_worker_starts(**_: Any) -> None:
    sweep_jobs()
