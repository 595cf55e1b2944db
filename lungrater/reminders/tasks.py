"""What the clock does for raters who are late."""

from __future__ import annotations

import logging

from celery import shared_task
from django.core.management.base import CommandError
from django.utils import timezone

from lungrater.embedded.site_address import site_address
from rating.studies.outreach.reminders import send_reminders

logger = logging.getLogger(__name__)


@shared_task
def remind_raters() -> int:
    """Mail the reminders that are due; none where nothing says at which address the site is reached."""
    try:
        site = site_address(None)
    except CommandError as reason:
        logger.warning("No reminders: %s", reason)
        return 0
    return send_reminders(timezone.now(), lambda path: site + path)
