"""Signs of life: each worker notes now and then which queues it serves, and sweeps for jobs left behind.

The sweep of the beat process alone would wait behind long jobs in the queue, and would end with that process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.utils import timezone

from generation.images.models import GenerationJob
from generation.images.outcomes import WorkerSeen
from jobs.tasks import sweep_jobs

logger = logging.getLogger(__name__)

EVERY = 10.0
GONE_AFTER = 30.0
_over = threading.Event()


def note_presence(queues: Collection[str]) -> None:
    for queue in queues:
        WorkerSeen.objects.update_or_create(queue=queue, defaults={"at": Now()})


def why_waiting(queue: str) -> str:
    """A sentence where no worker serves this queue just now, else nothing."""
    heartbeat = WorkerSeen.objects.filter(queue=queue).first()
    if heartbeat is None:
        return f"No worker for the queue “{queue}” has been seen yet."
    if (timezone.now() - heartbeat.at).total_seconds() > GONE_AFTER:
        return f"No worker for the queue “{queue}” has been seen since {heartbeat.at:%Y-%m-%d %H:%M:%S} UTC."
    return ""


def absent_workers() -> list[str]:
    """A sentence for each queue in which jobs wait and which no worker serves just now."""
    waiting = GenerationJob.objects.waiting().order_by().values_list("engine", flat=True).distinct()
    queues = {GenerationJob.QUEUES[GenerationJob.Engine(engine)] for engine in waiting}
    return [sentence for queue in sorted(queues) if (sentence := why_waiting(queue))]


@worker_ready.connect
def keep_present(sender: Any, **_: Any) -> None:
    queues = list(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_stay, args=(queues,), daemon=True, name="presence").start()


@worker_shutting_down.connect
def leave(**_: Any) -> None:
    _over.set()


def _stay(queues: list[str]) -> None:
    while not _over.is_set():
        try:
            note_presence(queues)
            sweep_jobs()
        except DatabaseError:
            logger.warning("The database does not answer; this worker asks again in %s s.", EVERY)
        except Exception:
            logger.exception("The sweep failed; it is tried again in %s s.", EVERY)
        connection.close()
        _over.wait(EVERY)
