"""The command lines of web, worker and beat: the same for `lungrater up`, a second machine and a container."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

QUEUES = ("gpu", "cpu", "api")


def web(*, bind: str) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:lungrater.servers.gunicorn_conf"),
        *("--bind", bind),
        "lungrater.wsgi:application",
    ]


def worker(*, name: str, queues: Sequence[str] = QUEUES) -> list[str]:
    """One task at a time in a thread: a forked child hangs on a matrix product once its parent used torch."""
    return [
        *(sys.executable, "-m", "celery", "--app", "lungrater", "worker"),
        *("--pool", "threads", "--concurrency", "1", "--prefetch-multiplier", "1"),
        *("--hostname", name, "--queues", ",".join(queues)),
        *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ]


def beat(*, schedule: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--app", "lungrater", "beat"),
        *("--schedule", str(schedule), "--pidfile", "", "--loglevel", "INFO"),
    ]
