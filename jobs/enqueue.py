"""Telling a worker that a job waits. The row is the truth, so a message that is lost costs a sweep's time, no job."""

from __future__ import annotations

from functools import partial

from celery import current_app

from jobs.sender import send_later


def enqueue(task: str, *args: int, queue: str | None = None) -> None:
    """Send the task of this name, without waiting for the broker; where it is away, the next sweep sends again."""
    send = partial(current_app.send_task, task, args=args, queue=queue, retry=False)
    send_later(" ".join([task, *map(str, args)]), send)
