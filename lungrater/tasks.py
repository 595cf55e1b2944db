"""Doorbells of the wiring."""

from __future__ import annotations

from celery import Task, shared_task

from lungrater import demo


@shared_task(bind=True, max_retries=200, default_retry_delay=3)
def build_demo(self: Task[[], None]) -> None:
    """Build the demo's images and study; comes back while another worker still has one of its jobs."""
    if not demo.build():
        raise self.retry()
