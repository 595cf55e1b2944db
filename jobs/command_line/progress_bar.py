"""A job's progress bar in a terminal, for commands that do the work themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from jobs.models import Job


@contextmanager
def followed(job: Job, *, unit: str = "image") -> Iterator[None]:
    """Show this job's progress while the block runs it; silent where nobody looks at a terminal."""
    with tqdm(total=job.total or None, unit=unit, disable=None) as bar:

        def show(job: Job) -> None:
            bar.total = job.total
            bar.update(job.done - bar.n)

        job.on_beat = show
        try:
            yield
        finally:
            show(job)
