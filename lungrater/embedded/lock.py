"""One starter per home, any number of commands beside it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lungrater.embedded.home import CannotStartError, Home

DEFAULT_ADDRESS = "http://localhost:8000"


class HomeInUseError(CannotStartError):
    """Another process has started the servers of this home."""


@contextlib.contextmanager
def starter(home: Home, *, who: str) -> Iterator[None]:
    """Hold the home as the one who starts and stops its servers; raises HomeInUseError when someone else does.

    The kernel releases the lock when its holder dies, however it dies, so there is no stale lock to remove.
    """
    with _open(home.run / "starter.lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HomeInUseError(_sentence(home, _read(file))) from None
        _write(file, {"pid": os.getpid(), "who": who})
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # a full disk: the lock itself is the kernel's
                _write(file, {})


def announce(home: Home, url: str) -> None:
    """Leave the address where a second `up` finds it; only the starter calls this."""
    with _open(home.run / "starter.lock") as file:
        _write(file, {**_read(file), "url": url})


def announced(home: Home) -> str:
    """The address of the site that runs on this home, or where one would with no options."""
    with contextlib.suppress(FileNotFoundError), (home.run / "starter.lock").open(encoding="utf-8") as file:
        return _read(file).get("url", "").rstrip("/") or DEFAULT_ADDRESS
    return DEFAULT_ADDRESS


@contextlib.contextmanager
def guest(home: Home) -> Iterator[None]:
    """Keep a command's starter from stopping the servers while this command uses them."""
    with _open(home.run / "guests.lock") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def wait_for_guests(home: Home) -> None:
    with _open(home.run / "guests.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def _sentence(home: Home, holder: dict[str, str]) -> str:
    if url := holder.get("url"):
        return (
            f"LungRater already runs on {home.root}: open {url}, or stop it first (process {holder['pid']})."
        )
    who = holder.get("who", "another command")
    process = f" (process {holder['pid']})" if "pid" in holder else ""
    return f"`{who}`{process} is using {home.root}: wait until it ends, or name another LUNGRATER_HOME."


def _open(path: Path) -> IO[str]:
    return path.open("a+", encoding="utf-8")


def _read(file: IO[str]) -> dict[str, str]:
    file.seek(0)
    try:
        return dict(json.loads(file.read() or "{}"))
    except ValueError:  # read in the middle of a write
        return {}


def _write(file: IO[str], holder: dict[str, object]) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(holder))
    file.flush()
