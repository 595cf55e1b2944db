"""Web, workers and beat of one site under one supervisor, on a port that is reserved before they start."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection, HTTPException

from lungrater.embedded import commands
from lungrater.embedded.home import CannotStartError, Home
from lungrater.embedded.supervisor import Service

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
# "Listen everywhere", and where such a listener is reached from its own machine.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (chosen by the person, never a default)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """The web server's socket: held here, so a web server that crashes loses no visitor who is just arriving."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OverflowError as error:
            raise CannotStartError(
                f"There is no port {port}: choose one from 1024 to 65535 with --port."
            ) from error
        except OSError as error:
            raise CannotStartError(_why_not(error, host, port)) from error
        yield listener


def url(host: str, listener: socket.socket) -> str:
    """Where a browser on this machine finds the site."""
    port = listener.getsockname()[1]
    name = "localhost" if host in {"127.0.0.1", *ANY_ADDRESS} else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/"


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what uses it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs an administrator: choose one above 1023 with --port."
    return f"Cannot listen on {host} port {port} ({error.strerror}): check --host and --port."


def environment(home: Home, host: str) -> dict[str, str]:
    """What the children need beyond the caller's environment: the home, and the names they answer to."""
    added = {"LUNGRATER_HOME": str(home.root)}
    if "ALLOWED_HOSTS" not in os.environ:
        own = {host, socket.gethostname()} - set(ANY_ADDRESS)
        added["ALLOWED_HOSTS"] = ",".join([*LOCAL_NAMES, *sorted(own - set(LOCAL_NAMES))])
    return added


def web(listener: socket.socket, env: dict[str, str]) -> Service:
    descriptor = listener.fileno()
    return Service(
        "web",
        commands.web(bind=f"fd://{descriptor}"),
        answers=lambda: _shows_a_page(listener),
        env=env,
        pass_fds=[descriptor],
    )


def light_worker(env: dict[str, str], *, present: Callable[[str], bool]) -> Service:
    """Imports, freezes, the Images API and the sweep: a long job on a GPU never keeps these waiting."""
    argv = partial(commands.worker, queues=commands.LIGHT_QUEUES, at_once=commands.LIGHT_AT_ONCE)
    return _worker("light", argv, env, present=present)


def sampling_worker(number: int, env: dict[str, str], *, present: Callable[[str], bool]) -> Service:
    """One job at a time of those that sample a model, measure images or read them by machine."""
    argv = partial(commands.worker, queues=commands.SAMPLING_QUEUES)
    return _worker(str(number), argv, env, present=present)


def training_worker(number: int, env: dict[str, str], *, present: Callable[[str], bool]) -> Service:
    """One training or one utility experiment at a time: hours that keep nobody's images waiting."""
    argv = partial(commands.worker, queues=commands.TRAINING_QUEUES)
    return _worker(f"training-{number}", argv, env, present=present)


def _worker(
    which: str, argv: Callable[..., list[str]], env: dict[str, str], *, present: Callable[[str], bool]
) -> Service:
    name = f"worker-{which}@{socket.gethostname()}"
    # An orphan is killed at once: its job's row is queued again, whereas a kind word would wait for the job.
    return Service(
        f"worker-{which}",
        argv(name=name),
        answers=lambda: present(name),
        env={**commands.WORKER_ENVIRONMENT, **env},
        orphan_signal=signal.SIGKILL,
    )


def beat(home: Home, env: dict[str, str], *, ticks: Callable[[float], bool]) -> Service:
    """The clock; `ticks` says whether it has handed out anything since a second of the epoch."""
    begin = time.time()
    argv = commands.beat(schedule=home.run / "beat-schedule")
    return Service("beat", argv, answers=lambda: ticks(begin), env=env)


def _shows_a_page(listener: socket.socket) -> bool:
    """Whether the first page a visitor sees comes back; a page that fails says why itself."""
    host, port = listener.getsockname()[:2]
    connection = HTTPConnection(ANY_ADDRESS.get(host, host), port, timeout=5)
    try:
        connection.request("GET", "/accounts/login/", headers={"Host": "localhost"})
        return bool(connection.getresponse().status)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
