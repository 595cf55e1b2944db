"""A whole LungRater as real processes, and what is left of it afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import psycopg
from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from lungrater.embedded import postgres, redis
from lungrater.embedded.home import Home

REPOSITORY = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 180.0
COMMAND_ENDS_WITHIN = 180.0
STOPS_WITHIN = 10.0
# Of a test in which nobody draws or trains: the one worker for all else, not the two that would wait.
LIGHT = ("--workers", "0")


def environment(home: Path) -> dict[str, str]:
    """This process's environment, for embedded servers under `home`."""
    others = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return {**others, "LUNGRATER_HOME": str(home)}


def lungrater(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_ENDS_WITHIN,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(server: subprocess.Popen[Any], answers: Callable[[], bool], seconds: float) -> None:
    """Of a server that was just started; fails where it ends instead, or takes longer."""
    deadline = time.monotonic() + seconds
    while not answers():
        assert server.poll() is None, f"the server ended: {server.args!r}"
        assert time.monotonic() < deadline, f"the server does not answer: {server.args!r}"
        time.sleep(0.1)


def takes_connections(port: int) -> bool:
    """Whether anybody listens at this port here."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


@dataclass
class Site:
    home: Path
    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/"

    def health(self) -> tuple[int, list[str]]:
        try:
            with urlopen(f"{self.url}healthz", timeout=5) as answer:
                return answer.status, json.load(answer)["missing"]
        except HTTPError as error:
            return error.code, json.load(error)["missing"]

    def everything(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def pid_of(self, name: str) -> int:
        register = json.loads((self.home / "run" / "processes.json").read_text())
        [pid] = [pid for service, pid, _created, _signal in register if service == name]
        return int(pid)

    def wait_until_back(self, name: str, killed: int) -> float:
        """Seconds until this part runs as a new process and everything answers."""
        began = time.monotonic()
        while self.pid_of(name) == killed or not self._answers():
            assert self.process.poll() is None, "the site ended"
            assert time.monotonic() - began < STARTS_WITHIN, f"{name} is not back"
            time.sleep(0.02)
        return time.monotonic() - began

    def _answers(self) -> bool:
        # The page remembers for a second that a worker answered, so that one is asked here as well.
        broker = Celery(broker=redis.url(Home(self.home)), set_as_current=False)
        with contextlib.suppress(OSError, RedisError, OperationalError):
            return self.health()[0] == HTTPStatus.OK and bool(broker.control.ping(timeout=0.5, limit=1))
        return False

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Exit code and output; fails when stopping takes too long or leaves a process."""
        left = self.everything()
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=STOPS_WITHIN)
        left = [
            process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        ]
        assert not left, f"still running: {[process.cmdline() for process in left]}"
        return self.process.returncode, output


@contextlib.contextmanager
def site(
    home: Path,
    *arguments: str,
    program: Sequence[str] = (sys.executable, "manage.py"),
    cwd: Path = REPOSITORY,
    env: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """A site that has printed its one screen: of this checkout, or of the program that is named."""
    port = free_port()
    command = [*program, "up", "--no-demo", "--port", str(port), *arguments]
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env or environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        alarm = threading.Timer(STARTS_WITHIN, process.kill)
        alarm.start()
        try:
            _wait_for_its_screen(process)
            alarm.cancel()
            yield Site(home, port, process)
        finally:
            alarm.cancel()
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=STOPS_WITHIN + 5)


def _wait_for_its_screen(process: subprocess.Popen[str]) -> None:
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return
    raise AssertionError("".join(lines))


class Table:
    """What the database of a site says of jobs, asked anew each time: it may just be restarting."""

    def __init__(self, running: Site, name: str = "generation_generationjob") -> None:
        self.url, self.name = postgres.owner_url(Home(running.home)), name

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            answer = connection.execute(query, values)
            return answer.fetchall() if answer.description else []

    def job(self, pk: int) -> tuple[Any, ...]:
        """State, done, attempts, error."""
        try:
            [row] = self.rows(f"SELECT state, done, attempts, error FROM {self.name} WHERE id = %s", pk)
            return row
        except psycopg.OperationalError:
            return ("unknown", 0, 0, "")

    def wait(self, pk: int, happened: Callable[[tuple[Any, ...]], bool], seconds: float) -> float:
        began = time.monotonic()
        while not happened(self.job(pk)):
            assert time.monotonic() - began < seconds, f"job {pk}: {self.job(pk)}"
            time.sleep(0.1)
        return time.monotonic() - began
