"""What the clock does for backups."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from celery import shared_task
from django.utils import timezone

from lungrater.backup.errors import BackupError
from lungrater.backup.nightly import back_up_if_due, back_up_now

logger = logging.getLogger(__name__)


@shared_task(acks_late=False)  # one that takes longer than the broker waits must not be handed out again
def make_nightly_backup() -> None:
    """Back the site up if it is time; a failure stands in the log and at /healthz until one succeeds."""
    try:
        back_up_if_due(timezone.now())
    except BackupError as error:
        logger.error("the nightly backup failed: %s", error)


@shared_task(acks_late=False)
def make_backup_now(asked_at: int | None = None) -> None:
    """The backup that an admin asked for on the page of health, in that second; the page also says how it ended."""
    try:
        request_time = None if asked_at is None else datetime.fromtimestamp(asked_at, UTC)
        back_up_now(timezone.now(), asked_at=request_time)
    except BackupError as error:
        logger.error("the backup failed: %s", error)
