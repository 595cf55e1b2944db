"""A PostgreSQL that is not the site's own: a cluster in a folder, served on loopback with a password."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from lungrater.embedded.postgres import USER_UNDER_ROOT, _make_user
from tests.servers.sites import free_port, wait_until_it_answers

OWNER = "owner"
STARTS_WITHIN = 60
USER = USER_UNDER_ROOT if os.geteuid() == 0 else None


def owner_url(port: int, database: str) -> str:
    return f"postgresql://{OWNER}:of%20the%20owner@127.0.0.1:{port}/{database}"


def cluster(programs: Path, data: Path, *, settings: str = "") -> Path:
    """A fresh one, whose owner may make roles."""
    data.mkdir(mode=0o700)
    passable(data)
    passfile = data.parent / f"{data.name}.password"
    passfile.write_text("of the owner")
    passfile.chmod(0o644)
    words = ["-U", OWNER, "--auth=scram-sha-256", f"--pwfile={passfile}", "--encoding=UTF8", "--locale=C"]
    subprocess.run(
        [programs / "initdb", "-D", data, *words], check=True, capture_output=True, **_as_user(data)
    )
    with (data / "postgresql.conf").open("a") as file:
        file.write(settings)
    return data


@contextlib.contextmanager
def serving(programs: Path, data: Path) -> Iterator[int]:
    """The port at which it answers."""
    port = free_port()
    words: list[str | Path] = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", ""]
    argv: list[str | Path] = [programs / "postgres", *words]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_as_user(data))
    try:
        wait_until_it_answers(server, lambda: _answers(port), STARTS_WITHIN)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def passable(folder: Path) -> None:
    """Under root: PostgreSQL's user owns it and reaches it."""
    if USER is None:
        return
    _make_user(USER)
    for above in folder.parents:
        above.chmod(above.stat().st_mode | 0o001)
    for path in [folder, *folder.rglob("*")]:
        shutil.chown(path, USER, USER)


def _answers(port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(owner_url(port, "postgres"), connect_timeout=2).close()
        return True
    return False


def _as_user(data: Path) -> dict[str, Any]:
    return {"user": USER, "group": USER, "extra_groups": [] if USER else None, "cwd": data}
