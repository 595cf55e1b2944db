"""The database in a backup: one snapshot, written and read by PostgreSQL's own programs.

The programs are those of the embedded version, whatever the server's: pg_dump reads servers that are as old as it or
older, and an older pg_restore does not read what a newer pg_dump writes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.db import connection, transaction
from psycopg.sql import SQL, Identifier

from lungrater.backup.errors import BackupError
from lungrater.embedded import postgres
from lungrater.embedded.owner import as_owner

# Servers older than 17 do not know this setting, and psql stops at it. It stands before the first table's rows.
UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;"
KNOWS_TRANSACTION_TIMEOUT = 170_000
HEAD_LINES = 60
# What guards the tables comes after their rows; whatever fires all the same reads by this that the owner restores.
BEGIN = b"BEGIN;\nSET LOCAL lungrater.maintenance = 'on';\n"


@contextlib.contextmanager
def snapshot() -> Iterator[str]:
    """One moment of the database: all that is read inside, here and by whoever is given the name, is as of it."""
    with as_owner(), transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (name,) = cursor.fetchone()
        yield str(name)


def dump(snapshot_name: str, target: Path) -> None:
    """Everything of the snapshot but who may what, which is each site's own. Raises BackupError."""
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot_name}"]
    argv, environment = _client("pg_dump", *words, f"--file={target}")
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"The database could not be read: {_reason(done.stderr)}")


def load(source: Path) -> None:
    """Into an empty database, as its owner; all of it or nothing. Raises BackupError."""
    argv, environment = _client(
        "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--output={os.devnull}"
    )
    words = ["--no-owner", "--no-privileges", "--file=-"]
    with tempfile.TemporaryFile() as problems:
        reader = subprocess.Popen(
            [postgres.client_program("pg_restore"), *words, source], stdout=subprocess.PIPE, stderr=problems
        )
        writer = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stderr=problems)
        with (
            contextlib.suppress(BrokenPipeError),
            _pipe(writer.stdin) as server,
            _pipe(reader.stdout) as text,
        ):
            server.write(BEGIN)
            _pass_on(text, server)
            if reader.wait() == 0:  # without its end, what has come so far is rolled back
                server.write(b"\nCOMMIT;\n")
        if writer.wait() or reader.wait():
            problems.seek(0)
            reason = _reason(problems.read().decode(errors="replace"))
            raise BackupError(f"The database could not be written: {reason}")


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None  # noqa: S101  (it was asked for)
    return end


def rows_by_table() -> dict[str, int]:
    """How many rows each table of the site has."""
    counts = {}
    with connection.cursor() as cursor:
        for table in sorted(tables()):
            cursor.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
            (counts[table],) = cursor.fetchone()
    return counts


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [table for (table,) in cursor.fetchall()]


def size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def encoding() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        return str(cursor.fetchone()[0])


def analyse() -> None:
    """Tell the planner what is there now; until then it would guess."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _pass_on(dump_text: IO[bytes], server: IO[bytes]) -> None:
    """The statements, without what this server does not know."""
    is_known = server_version() >= KNOWS_TRANSACTION_TIMEOUT
    for _ in range(HEAD_LINES):
        line = dump_text.readline()
        if is_known or line.strip() != UNKNOWN_BEFORE_17:
            server.write(line)
    while data := dump_text.read(2**20):
        server.write(data)


def server_version() -> int:
    connection.ensure_connection()
    assert connection.connection is not None  # noqa: S101  (just made sure of)
    return int(connection.connection.info.server_version)


def _client(program: str, *words: str) -> tuple[list[str | Path], dict[str, str]]:
    """A program that talks to this connection's server; a password goes by its environment, where nobody reads it."""
    connection.ensure_connection()
    assert connection.connection is not None  # noqa: S101  (just made sure of)
    login = connection.connection.info
    secret = {"PGPASSWORD": login.password} if login.password else {}
    return (
        [postgres.client_program(program), "--no-password", *words, f"--dbname={login.dsn}"],
        {**os.environ, **secret},
    )


def _reason(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["it says nothing of why"])[0].strip()[:400]
