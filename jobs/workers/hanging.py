"""Work that hangs in foreign code cannot be stopped from within: its process ends, and another is started.

Of two jobs in one process the one that does not hang is cut off with it; like every job of a worker that went away, it is queued
again and makes what is missing.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
from datetime import timedelta

logger = logging.getLogger(__name__)

# A model of many gigabytes may load for minutes without a word; a worker silent for longer hangs.
LONGEST_SILENCE = timedelta(minutes=20)
EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
REARMED_EVERY = 5.0
STANDARD_ERROR = 2  # the file itself: Celery puts something of its own in the place of sys.stderr

_may_end = threading.Event()


def guard_process() -> None:
    """Let this process end where its work hangs; called by a worker as it starts.

    Foreign code that never gives Python's lock back stops every thread, so Python's own watchdog, which needs none, counts too.
    """
    _may_end.set()
    threading.Thread(target=_rearm, daemon=True, name="watchdog").start()


def end_process(work: str) -> None:
    """End a worker whose work has been silent for too long, with where each thread stands in its log; elsewhere nothing."""
    if _may_end.is_set():
        logger.critical("%s hangs: this worker ends, and the job is queued again.", work)
        faulthandler.dump_traceback(STANDARD_ERROR)
        os._exit(EXIT_CODE)


def _rearm() -> None:
    while True:
        faulthandler.dump_traceback_later(LONGEST_SILENCE.total_seconds(), exit=True, file=STANDARD_ERROR)
        threading.Event().wait(REARMED_EVERY)
