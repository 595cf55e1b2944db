"""Fifty cuts of every line to Redis, and a broker that hands messages out again: no job is stuck, none runs twice."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import Celery
from django.db import connection

from generation.models import GeneratedImage, GenerationJob
from lungrater.embedded.commands import worker
from lungrater.embedded.urls import database_url, redis_url
from tests.generation.makers import make_job
from tests.servers.sites import REPOSITORY

pytestmark = pytest.mark.django_db(transaction=True)

CUTS, BETWEEN = 50, 0.25
LONG, SHORT = (60, 60), (3,) * 8  # images; a long job takes longer than a message stays with its worker
ENDS_WITHIN = 120.0
STARTS_WITHIN = 60.0
DATABASE = 5  # of this Redis, which the tests' own workers use no other of
AT_ONCE_RESET = struct.pack("ii", 1, 0)
FORGETFUL_WORKER = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
from lungrater import settings
settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = 2
from celery.__main__ import main
main()
"""


class Line:
    """A line to Redis' own socket that can be cut."""

    def __init__(self, target: str) -> None:
        self.target, self.ends = target, set[socket.socket]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Reset every connection there is; how many there were."""
        ends, self.ends = self.ends, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_RESET)
                end.shutdown(socket.SHUT_RDWR)
        return len(ends)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                near, _ = self.listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
                self.ends |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source:
            while part := source.recv(65536):
                sink.sendall(part)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line(urlsplit(redis_url()).path)
    yield line
    line.listener.close()


@pytest.fixture
def log(tmp_path: Path, line: Line) -> Iterator[Path]:
    """Where a worker behind the line writes what it is handed."""
    ours = urlsplit(database_url())._replace(path=f"/{connection.settings_dict['NAME']}")
    broker = f"redis://127.0.0.1:{line.port}/{DATABASE}"
    env = {
        **os.environ,
        "DATABASE_URL": urlunsplit(ours),
        "REDIS_URL": broker,
        "LUNGRATER_HOME": str(tmp_path / "home"),
    }
    argv = [sys.executable, "-c", FORGETFUL_WORKER, *worker(name="cut@test", queues=["cpu"], at_once=2)[3:]]
    log = tmp_path / "worker.log"
    with log.open("w") as output:
        process = subprocess.Popen(argv, cwd=REPOSITORY, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        until(lambda: " ready." in log.read_text(), STARTS_WITHIN, log)
        yield log
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def until(happened: Callable[[], bool], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.1)


def test_no_job_is_stuck_and_none_runs_twice(line: Line, log: Path) -> None:
    jobs = [make_job(total=total, seed=seed) for seed, total in enumerate((*LONG, *SHORT))]
    client = Celery(broker=f"{redis_url()}?virtual_host={DATABASE}", set_as_current=False)
    for job in jobs:
        client.send_task(job.task, args=[job.pk], queue="cpu", retry=False)

    lines_cut = 0
    for _ in range(CUTS):
        lines_cut += line.cut()
        time.sleep(BETWEEN)
    until(lambda: not GenerationJob.objects.active().exists(), ENDS_WITHIN, log)

    assert [(job.state, job.attempts, job.done) for job in GenerationJob.objects.order_by("seed")] == [
        ("succeeded", 1, total) for total in (*LONG, *SHORT)
    ]
    assert GeneratedImage.objects.filter(image__isnull=False).count() == sum((*LONG, *SHORT))
    assert lines_cut >= CUTS  # the faults were some: lines there were, and messages that came again
    assert log.read_text().count("received") > len(jobs)
