"""The command lines of web, worker and beat: the same for `lungrater up`, a second machine and a container."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

# A training of hours has a lane of its own, so that images and reports need not wait behind it.
SAMPLING_QUEUES = ("gpu",)
TRAINING_QUEUES = ("training",)
LIGHT_QUEUES = ("cpu", "api")
QUEUES = (*SAMPLING_QUEUES, *TRAINING_QUEUES, *LIGHT_QUEUES)
LIGHT_AT_ONCE = 2
# Threads that wait for work in a busy loop would take the processor from the web server and the database.
WORKER_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}


def web(*, bind: str) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:lungrater.embedded.gunicorn_conf"),
        *("--bind", bind),
        "lungrater.wsgi:application",
    ]


def worker(*, name: str, queues: Sequence[str] = QUEUES, at_once: int = 1) -> list[str]:
    """Tasks run in threads: a forked child hangs on a matrix product once its parent used torch.

    `at_once` above 1 is for queues whose jobs never touch torch.
    """
    return [
        *(sys.executable, "-m", "celery", "--app", "lungrater", "worker"),
        *("--pool", "threads", "--concurrency", str(at_once), "--prefetch-multiplier", "1"),
        *("--hostname", name, "--queues", ",".join(queues)),
        *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ]


def beat(*, schedule: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--app", "lungrater", "beat"),
        *("--schedule", str(schedule), "--pidfile", "", "--loglevel", "INFO"),
    ]
