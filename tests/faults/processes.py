"""Freezing processes, holding rows, and web servers of one's own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import psycopg

from lungrater.embedded.commands import web
from tests.servers.reading_site import Reader, answer
from tests.servers.sites import REPOSITORY, environment, free_port, wait_until_it_answers

STARTS_WITHIN = 60.0


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """This process and all below it stand still inside the block."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


@contextlib.contextmanager
def held_study(database: str) -> Iterator[psycopg.Connection]:
    """Inside the block a save waits: its study is locked by this connection, which may commit or roll back."""
    with psycopg.connect(database, connect_timeout=10) as connection:
        connection.execute("SELECT FROM rating_study WHERE name = 'Drill' FOR UPDATE")
        yield connection
        connection.rollback()


def wait_until_a_save_waits(database: str, seconds: float = 10.0) -> None:
    """Until somebody waits for the lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = time.monotonic() + seconds
    with psycopg.connect(database, autocommit=True, connect_timeout=10) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(query).fetchone()
            if row and row[0]:
                return
            time.sleep(0.02)
    raise AssertionError("no save waits")


class Save(threading.Thread):
    """One answer on its way; its status once there is one, 0 where the line was cut."""

    def __init__(self, port: int, reader: Reader, path: str) -> None:
        super().__init__(daemon=True)
        self.port, self.reader, self.path = port, reader, path
        self.status: int | None = None
        self.start()

    def run(self) -> None:
        self.status = answer(self.port, self.reader, self.path)

    def result(self, seconds: float) -> int | None:
        self.join(seconds)
        return self.status


@contextlib.contextmanager
def web_server(home: Path, **others: str) -> Iterator[tuple[int, int]]:
    """Port and number of a web server of its own on this home, as `lungrater up` starts it."""
    port = free_port()
    process = subprocess.Popen(
        web(bind=f"127.0.0.1:{port}"), cwd=REPOSITORY, env={**environment(home), **others}
    )
    try:
        wait_until_it_answers(process, lambda: lives(port), STARTS_WITHIN)
        yield port, process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def lives(port: int, page: str = "livez") -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False
