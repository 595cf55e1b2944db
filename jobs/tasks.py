"""The sweep over every kind of job: what dead workers left, and what no worker was told of.

Each worker sweeps: that of the beat process alone would wait behind long jobs, and would end with that process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.apps import apps
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from jobs.models import Job, shutting_down
from jobs.sender import NO_BROKER
from jobs.workers import hanging
from jobs.workers.heartbeat import note_presence

logger = logging.getLogger(__name__)

ENQUEUE_AGAIN_AFTER = timedelta(seconds=30)
MOST_MESSAGES = 20
EVERY = 10.0


@shared_task
def sweep_jobs() -> None:
    """Queue again what dead workers left, and enqueue what has waited unheard."""
    for kind in job_kinds():
        if requeued := kind.objects.requeue_stale():
            logger.warning("%s: %s queued again after their worker went away", kind.__name__, requeued)
        if resumed := kind.objects.resume_with_room():
            logger.info("%s: %s go on, as there is room on the disk again", kind.__name__, resumed)
        overdue = kind.objects.waiting().filter(created_at__lt=Now() - ENQUEUE_AGAIN_AFTER)
        has_room: dict[str, bool] = {}
        for job in overdue.order_by("created_at")[:MOST_MESSAGES]:
            if job.queue not in has_room:
                has_room[job.queue] = messages_waiting(job.queue) < MOST_MESSAGES
            if has_room[job.queue]:
                job.enqueue()


def messages_waiting(queue: str) -> int:
    """How many messages lie in the broker for this queue: behind a job of hours they must not pile up."""
    try:
        with current_app.connection_for_read() as broker:
            channel: Any = broker.default_channel  # Redis's, which its stub does not know
            return int(channel.client.llen(queue))
    except NO_BROKER:
        return 0  # nobody to ask: sending will say so itself


def job_kinds() -> Iterator[type[Job]]:
    """Every kind of job of every app."""
    return (model for model in apps.get_models() if issubclass(model, Job))


@worker_ready.connect
def sweep_when_a_worker_starts(**_: Any) -> None:
    sweep_jobs()


@worker_shutting_down.connect
def let_jobs_leave(**_: Any) -> None:
    shutting_down.set()


@worker_ready.connect
def keep_present(sender: Any, **_: Any) -> None:
    stay_present(list(sender.app.amqp.queues.consume_from))


def stay_present(queues: list[str]) -> None:
    """Do what a worker process does beside its jobs, in threads: say which queues it serves, sweep, and end where it hangs."""
    hanging.guard_process()
    threading.Thread(target=_stay, args=(queues,), daemon=True, name="presence").start()


def _stay(queues: list[str]) -> None:
    """Note this worker's presence and sweep, again and again until it is told to end."""
    while not shutting_down.is_set():
        try:
            note_presence(queues)
            sweep_jobs()
        except DatabaseError:
            logger.warning("The database does not answer; this worker asks again in %s s.", EVERY)
        except Exception:
            logger.exception("The sweep failed; it is tried again in %s s.", EVERY)
        connection.close()
        shutting_down.wait(EVERY)
