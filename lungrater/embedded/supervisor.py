"""Processes that start, answer, are started again when they crash, and stop together; no disk is needed to go on.

honcho stops everything when one process ends and cannot tell when one answers; circus does both, but brings
a tornado loop, ZeroMQ and its own daemon. These lines are what is left when neither fits: POSIX only,
one thread, no configuration.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from lungrater.embedded.home import CannotStartError

PR_SET_PDEATHSIG = 1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
STEADY_AFTER = 60.0
LARGEST_LOG = 20_000_000
LOOK_AT_LOGS_EVERY = 5.0
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Service:
    """What to run, how to tell that it answers, and how it likes to be stopped."""

    name: str
    argv: Sequence[str]
    answers: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    """Run as this user, and the group of that name."""
    pass_fds: Sequence[int] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    """Sent by the kernel when the supervisor itself is killed (Linux)."""


@dataclass
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    started: float
    pause: float = FIRST_PAUSE
    restart_at: float | None = None


class Supervisor:
    """Children, each in its own process group, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, *, logs: Path, register: Path) -> None:
        self.logs = logs
        self.register = register
        self._children: dict[str, _Child] = {}
        self._is_registered = True
        self._logs_checked = time.monotonic()

    def start(self, service: Service) -> None:
        self._children[service.name] = _Child(service, self._spawn(service), time.monotonic())
        self._write_register()

    def wait_until_answers(self, *services: Service, seconds: float) -> None:
        """Return once each answers; raises CannotStartError when one ends, or stays silent for too long."""
        deadline = time.monotonic() + seconds
        for service in services:
            while not service.answers():
                code = self._children[service.name].process.poll()
                if code is not None:
                    raise CannotStartError(
                        f"{service.name} ended with code {code} while starting: see {self._log(service)}."
                    )
                if time.monotonic() > deadline:
                    raise CannotStartError(
                        f"{service.name} did not answer within {seconds:.0f} s: see {self._log(service)}."
                    )
                time.sleep(0.02)

    def mend(self) -> list[str]:
        """Start again what has crashed, after a pause that grows while it keeps crashing; says what was done."""
        sentences = []
        for child in self._children.values():
            code = child.process.poll()
            now = time.monotonic()
            if code is None:
                if now - child.started > STEADY_AFTER:
                    child.pause = FIRST_PAUSE
            elif child.restart_at is None:
                _signal_group(child.process.pid, signal.SIGKILL)
                child.restart_at = now + child.pause
                sentences.append(f"{child.service.name} ended with code {code}; starting it again.")
            elif now >= child.restart_at:
                self._start_again(child, now)
        if not self._is_registered:
            self._write_register()
        if time.monotonic() - self._logs_checked > LOOK_AT_LOGS_EVERY:
            self._cut_logs()
        return sentences

    def _start_again(self, child: _Child, now: float) -> None:
        child.pause = min(child.pause * 2, LONGEST_PAUSE)
        try:
            child.process, child.started = self._spawn(child.service), now
        except OSError:  # no memory or no process to be had: that may pass, as a full disk does
            child.restart_at = now + child.pause
        else:
            child.restart_at = None
            self._write_register()

    def names(self) -> set[str]:
        return set(self._children)

    def stop(self, *names: str, seconds: float) -> None:
        """Stop the named children: kindly at first, after `seconds` by force."""
        children = [self._children.pop(name) for name in names]
        for child in children:
            if child.process.poll() is None:
                child.process.send_signal(child.service.stop_signal)
        deadline = time.monotonic() + seconds
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self._write_register()

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        with self._opened_log(service) as output:
            return subprocess.Popen(
                service.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **service.env},
                process_group=0,
                pass_fds=service.pass_fds,
                user=service.user,
                group=service.user,
                extra_groups=[] if service.user else None,
                preexec_fn=_dies_with(os.getpid(), service.orphan_signal),  # noqa: PLW1509  (one thread only)
            )

    def _opened_log(self, service: Service) -> IO[bytes]:
        try:
            return self._log(service).open("ab")
        except OSError:  # on a full disk a part runs without a log rather than not at all
            return Path(os.devnull).open("ab")

    def _cut_logs(self) -> None:
        """Set aside what has grown too large while its part writes on: it appends, so the file may be cut under it.

        A line written between the copy and the cut is lost. Where there is no room for the copy, what is old goes.
        """
        self._logs_checked = time.monotonic()
        for child in self._children.values():
            log = self._log(child.service)
            with contextlib.suppress(OSError):
                if log.stat().st_size > LARGEST_LOG:
                    _set_aside(log)
                    os.truncate(log, 0)

    def _log(self, service: Service) -> Path:
        return self.logs / f"{service.name}.log"

    def _write_register(self) -> None:
        rows = []
        for child in self._children.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                created = psutil.Process(child.process.pid).create_time()
                rows.append([child.service.name, child.process.pid, created, int(child.service.stop_signal)])
        new = self.register.with_suffix(".new")
        try:
            new.write_text(json.dumps(rows))
            new.replace(self.register)
        except OSError:  # it only serves whoever comes after a kill -9, and is written once there is room
            self._is_registered = False
        else:
            self._is_registered = True


def end_leftovers(register: Path, *, seconds: float = 5) -> None:
    """End what an earlier supervisor, killed before it could stop them, has left running."""
    leftovers = list(_leftovers(register))
    for process, stop_signal in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
    psutil.wait_procs([process for process, _ in leftovers], timeout=seconds)
    for process, _ in leftovers:
        _signal_group(process.pid, signal.SIGKILL)
    register.unlink(missing_ok=True)


def _registered(register: Path) -> list[tuple[str, int, float, int]]:
    try:
        return list(json.loads(register.read_text()))
    except ValueError:  # half written on a full disk, by an older version
        return []


def _leftovers(register: Path) -> Iterator[tuple[psutil.Process, int]]:
    if not register.exists():
        return
    for _name, pid, created, stop_signal in _registered(register):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            # The same number may long belong to a stranger, so the time of birth must agree too.
            if abs(process.create_time() - created) < 1:
                yield process, stop_signal


def _set_aside(log: Path) -> None:
    older = log.with_suffix(".log.1")
    try:
        shutil.copyfile(log, older)
    except OSError:
        older.unlink(missing_ok=True)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _dies_with(parent: int, number: signal.Signals) -> Callable[[], None] | None:
    """A hook for the child: the kernel sends it `number` when its parent dies, however it dies."""
    if _libc is None:
        return None
    libc = _libc

    def hook() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return hook
