"""What the clock does for privacy."""

from __future__ import annotations

from celery import shared_task

from lungrater.privacy.retention import erase_due


@shared_task
def erase_after_retention() -> None:
    """Erase people whom the site has known for longer than its settings say."""
    erase_due()
