"""The tasks that build the demo."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.signals import worker_ready

from lungrater.demo import build

# While the other worker still draws its last images: a second at most is lost, ten minutes in all.
TRIES, SECONDS_BETWEEN = 600, 1


@shared_task(bind=True, max_retries=TRIES, default_retry_delay=SECONDS_BETWEEN)
def build_demo(self: Task[[], None]) -> None:
    """Build the demo's studies and what machines measure; comes back while another worker still has one of its jobs."""
    if not build.build():
        raise self.retry()


@shared_task(bind=True, max_retries=TRIES, default_retry_delay=SECONDS_BETWEEN)
def build_beside(self: Task[[], None]) -> None:
    """Build the simulated reading and the training; comes back likewise."""
    if not build.build_beside():
        raise self.retry()


@worker_ready.connect
def go_on_with_the_demo(**_: Any) -> None:
    """A worker that died over the demo took its doorbell with it; the next one rings again."""
    build.ring_if_unfinished()
