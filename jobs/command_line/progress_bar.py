"""A job's progress for commands that do the work themselves: a bar in a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from jobs.models import Job

LINE_EVERY = 30.0


@contextmanager
def followed(job: Job, *, unit: str = "image") -> Iterator[None]:
    """Show this job's progress while the block runs it; without a terminal, a line on stderr every half minute."""
    is_terminal = sys.stderr.isatty()
    with tqdm(total=job.total or None, unit=unit, disable=None) as bar:
        last = time.monotonic()

        def show(job: Job) -> None:
            nonlocal last
            bar.total = job.total
            bar.update(job.done - bar.n)
            if not is_terminal and time.monotonic() - last >= LINE_EVERY:
                last = time.monotonic()
                sys.stderr.write(f"{job.done:,} of {job.total:,} {unit}s. {job.message}\n")
                sys.stderr.flush()

        job.on_beat = show
        try:
            yield
        finally:
            show(job)
