"""A process beside a worker, which ends it once Python's watchdog has struck there so many times in a row.

    python hang_watch.py WORKER STRIKES

It reads what the worker writes: ALIVE while its threads go on, and where each of them stands with every strike. It needs nothing
but Python's own library, and ends with the worker.
"""

from __future__ import annotations

import os
import select
import signal
import sys

ALIVE = b"alive\n"
# A container's first process cannot be killed from within; that of a worker ends itself at this signal.
FIRST, ENDS_ITSELF = 1, signal.SIGUSR2
STRIKE = b"Timeout ("  # the beginning of what faulthandler writes
LAST_WORDS = 0.1  # seconds without a word more, after which the last strike has said all


def main(worker: int, strikes: int) -> None:
    heard = b""
    while True:
        is_hanging = heard.count(STRIKE) >= strikes
        if is_hanging and not select.select([0], [], [], LAST_WORDS)[0]:
            os.write(2, heard)
            if os.getppid() == worker:  # else it has ended, and its number may be another's
                os.kill(worker, ENDS_ITSELF if worker == FIRST else signal.SIGKILL)
            return
        words = os.read(0, 2**16)
        if not words:
            return
        heard = (heard + words).rpartition(ALIVE)[2]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
