"""Telling a worker that a job waits. The row is the truth, so a message that is lost costs a sweep's time, no job."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def enqueue(task: str, job_id: int, *, queue: str | None = None) -> None:
    """Send the task of this name for a job; when the broker is away the row waits for the next sweep."""
    try:
        current_app.send_task(task, args=(job_id,), queue=queue, retry=False)
    except OperationalError:
        logger.warning("%s %s waits: the broker does not answer", task, job_id)
