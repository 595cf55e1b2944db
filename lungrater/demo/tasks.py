"""The task that builds the demo."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.signals import worker_ready

from lungrater.demo import build


@shared_task(bind=True, max_retries=200, default_retry_delay=3)
def build_demo(self: Task[[], None]) -> None:
    """Build the demo's images and study; comes back while another worker still has one of its jobs."""
    if not build.build():
        raise self.retry()


@worker_ready.connect
def go_on_with_the_demo(**_: Any) -> None:
    """A worker that died over the demo took its doorbell with it; the next one rings again."""
    build.ring_if_unfinished()
