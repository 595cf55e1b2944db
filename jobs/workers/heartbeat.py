"""Which queues have a worker: each notes now and then which ones it serves."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

GONE_AFTER = 30.0


class WorkerHeartbeat(models.Model):
    """When a worker that serves a queue last gave a sign of life."""

    queue = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.queue} {self.at}"


def note_presence(queues: Collection[str]) -> None:
    for queue in queues:
        WorkerHeartbeat.objects.update_or_create(queue=queue, defaults={"at": Now()})


def why_waiting(queue: str) -> str:
    """A sentence where no worker serves this queue just now, else nothing."""
    heartbeat = WorkerHeartbeat.objects.filter(queue=queue).first()
    if heartbeat is None:
        return f"No worker for the queue “{queue}” has been seen yet."
    if (timezone.now() - heartbeat.at).total_seconds() > GONE_AFTER:
        return f"No worker for the queue “{queue}” has been seen since {heartbeat.at:%Y-%m-%d %H:%M:%S} UTC."
    return ""


def absent_workers(queues: Iterable[str]) -> list[str]:
    """A sentence for each of these queues that no worker serves just now."""
    return [sentence for queue in sorted(set(queues)) if (sentence := why_waiting(queue))]
