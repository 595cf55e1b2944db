"""Work that hangs in foreign code cannot be stopped from within: its process ends, and another is started.

Of two jobs in one process the one that does not hang is cut off with it; like every job of a worker that went away, it is queued
again and makes what is missing.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import os
import subprocess
import sys
import threading
from datetime import timedelta

from jobs.workers import hang_watch

logger = logging.getLogger(__name__)

# A model of many gigabytes may load for minutes without a word; a worker silent for longer hangs.
LONGEST_SILENCE = timedelta(minutes=20)
# It is counted in strikes, as a process that was suspended meets at most one of them when it goes on.
STRIKES = 4
EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
REARMED_EVERY = 5.0
STANDARD_ERROR = 2  # the file itself: Celery puts something of its own in the place of sys.stderr

_may_end = threading.Event()


def guard_process() -> None:
    """Let this process end where its work hangs; called by a worker as it starts.

    Foreign code that never gives Python's lock back stops every thread. Python's own watchdog needs none of them, but can only
    say where they stand or end the process at once; so it speaks to a process beside this one, which counts.
    """
    _may_end.set()
    if os.getpid() == hang_watch.FIRST:
        _end_at(hang_watch.ENDS_ITSELF)
    watch = _Watch()
    watch.rearm()
    threading.Thread(target=_keep_rearming, args=(watch,), daemon=True, name="watchdog").start()


def _end_at(number: int) -> None:
    """End this process at once when the signal comes, by a function of C, which needs no lock of Python's."""
    library = ctypes.CDLL(None)
    library.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    library.signal(number, ctypes.cast(library._exit, ctypes.c_void_p))


def end_process(work: str) -> None:
    """End a worker whose work has been silent for too long, with where each thread stands in its log; elsewhere nothing."""
    if _may_end.is_set():
        logger.critical("%s hangs: this worker ends, and the job is queued again.", work)
        faulthandler.dump_traceback(STANDARD_ERROR)
        os._exit(EXIT_CODE)


def _keep_rearming(watch: _Watch) -> None:
    while True:
        threading.Event().wait(REARMED_EVERY)
        if watch.has_ended:
            watch.close()
            watch = _Watch()
        watch.rearm()


class _Watch:
    """The process that counts, and the pipe that it reads."""

    def __init__(self) -> None:
        its_end, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)  # whatever becomes of the watch, nothing here waits for it
        # In a session of its own, so that Ctrl-C does not end it before the worker has come to its end.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", hang_watch.__file__, str(os.getpid()), str(STRIKES)],
            stdin=its_end,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(its_end)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        os.close(self._pipe)

    def rearm(self) -> None:
        """Said by a thread: all goes on."""
        strike_after = LONGEST_SILENCE.total_seconds() / STRIKES
        faulthandler.dump_traceback_later(strike_after, repeat=True, file=self._pipe)
        with contextlib.suppress(OSError):
            os.write(self._pipe, hang_watch.ALIVE)
