"""A job done in this process, with a bar, instead of by a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.management.base import CommandError
from tqdm import tqdm

from pool.jobs import Job

logger = logging.getLogger(__name__)


def perform_with_bar(job: Job, *, unit: str) -> None:
    """See a saved, queued job to its end. Ctrl-C cancels it and keeps what it made. Raises CommandError."""
    with tqdm(total=job.total, unit=unit, disable=None) as bar:
        watched = _watch(job, bar)
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
            watched(job.done)


def _watch(job: Job, bar: tqdm[NoReturn]) -> Callable[[int], None]:
    """Let the bar follow the job's heartbeats."""
    beat = job.beat

    def show(done: int) -> None:
        bar.update(done - bar.n)

    def beat_and_show(**values: Any) -> None:
        beat(**values)
        show(job.done)

    job.beat = beat_and_show  # type: ignore[method-assign]  # the one place where a person watches a job
    return show
