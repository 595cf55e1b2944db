"""A job done in this process, with a bar, instead of by a worker."""

from __future__ import annotations

import logging

from django.core.management.base import CommandError

from jobs.command_line.progress_bar import followed
from jobs.models import Job

logger = logging.getLogger(__name__)


def perform_with_bar(job: Job, *, unit: str) -> None:
    """See a saved, queued job to its end. Ctrl-C cancels it and keeps what it made. Raises CommandError."""
    with followed(job, unit=unit):
        try:
            job.perform()
        except KeyboardInterrupt:
            job.request_cancel()
            job._finish(job.State.CANCELLED)
            raise
        except Exception as error:
            logger.debug("job %s failed", job.pk, exc_info=True)
            raise CommandError(job.error or str(error)) from error
        finally:
            job.refresh_from_db()
