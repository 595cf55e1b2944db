"""The embedded servers for as long as a command needs them, whether or not `lungrater up` runs beside it."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from lungrater.embedded import lock, postgres, redis
from lungrater.embedded.home import CannotStartError, Home
from lungrater.embedded.supervisor import Service, Supervisor, end_leftovers
from lungrater.embedded.urls import environment_value, redis_url

START_WITHIN = 60.0
STOP_WITHIN = 3.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def running(*, who: str) -> Iterator[None]:
    """Database and broker answer inside this block.

    Joins the servers that another process runs on this home, else starts them and stops them afterwards
    (once the commands that joined meanwhile have ended). Does nothing where the environment names both.
    """
    if environment_value("DATABASE_URL") and environment_value("REDIS_URL"):
        yield
        return
    home = Home.from_environment()
    home.prepare()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.starter(home, who=who))
        except lock.HomeInUseError:
            stack.enter_context(lock.guest(home))
            _wait_for_the_other(home)
        else:
            stack.enter_context(exit_on_signals())
            supervisor = Supervisor(logs=home.logs, register=home.run / "processes.json")
            stack.callback(lambda: supervisor.stop(*supervisor.names(), seconds=STOP_WITHIN))
            start_servers(supervisor, home)
            stack.callback(lock.wait_for_guests, home)
        yield


def start_servers(supervisor: Supervisor, home: Home) -> None:
    """Start those servers that the environment does not name, clearing away what a killed start has left."""
    end_leftovers(supervisor.register)
    services = list(embedded(home))
    for service in services:
        supervisor.start(service)
    supervisor.wait_until_answers(*services, seconds=START_WITHIN)
    if not environment_value("DATABASE_URL"):
        postgres.ensure_database(home)


def embedded(home: Home) -> Iterator[Service]:
    if not environment_value("DATABASE_URL"):
        yield postgres.service(home)
    if not environment_value("REDIS_URL"):
        yield redis.service(home)


@contextlib.contextmanager
def exit_on_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise SystemExit, so that what was started is stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    previous = {number: signal.signal(number, leave) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _database_answers(home: Home) -> bool:
    return bool(environment_value("DATABASE_URL")) or postgres.admits_site(home)


def _wait_for_the_other(home: Home) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not (_database_answers(home) and redis.answers(redis_url())):
        if time.monotonic() > deadline:
            raise CannotStartError(f"The servers of {home.root} do not answer: see {home.logs}.")
        time.sleep(0.1)
