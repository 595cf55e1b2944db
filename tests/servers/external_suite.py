"""A part of the suite on servers that are not the site's own: Debian's PostgreSQL and Redis, then through PgBouncer.

    python -m tests.servers.external_suite [--whole] [words for pytest]

Starts each of them on loopback with files of its own, and leaves nothing behind. Where a program is missing it says so
and fails; so does a test that skips itself. Tests that are named take the place of those listed here, on either;
`--whole` takes all that a web process does.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from lungrater.embedded.home import OWNER_ROLE, SITE_ROLE
from tests.servers import pooler
from tests.servers.external_server import cluster, owner_url, serving
from tests.servers.sites import REPOSITORY, free_port, wait_until_it_answers

STARTS_WITHIN = 20.0
POSTGRES_FOLDERS = Path("/usr/lib/postgresql")
# Not the one that a virtual environment brings along.
REDIS = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
# A third would wait for the database, which works on the same cores.
PROCESSES = max(2, min(4, os.cpu_count() or 1))
# The processes of xdist each have databases of their own, and a test with threads a connection for each of them.
CONNECTIONS = 20
PASSWORD = "of-this-role"
# What may differ on another server: rights and triggers, locks, claims, COPY, cursors, snapshots, the broker.
ON_THE_SERVERS = (
    *("tests/audit/test_chain.py", "tests/audit/test_redaction.py", "tests/audit/test_revisions.py"),
    *("tests/audit/test_roles.py", "tests/audit/test_signatures.py", "tests/audit/test_verify.py"),
    *("tests/jobs/test_message_sender.py", "tests/jobs/test_next_job.py"),
    *(
        "tests/privacy/test_erasure.py",
        "tests/privacy/test_remark_redaction.py",
        "tests/privacy/test_retention.py",
    ),
    *("tests/rating/reading/test_gates.py", "tests/rating/reading/test_prepared_queries.py"),
    *("tests/rating/studies/test_frozen.py", "tests/rating/studies/test_progress_of_sittings.py"),
    *("tests/rating/studies/test_removal.py", "tests/lungrater/test_database_connection.py"),
    *("tests/rating/results/test_one_snapshot.py", "tests/rating/results/test_streamed_exports.py"),
)
# Every page and every operation of the API for every part of a person, and what a session's state could change.
THROUGH_THE_POOLER = (
    *("tests/test_permissions.py", "tests/api/test_permissions.py"),
    *("tests/rating/reading/test_answers.py", "tests/rating/reading/test_prepared_queries.py"),
    *("tests/audit/test_chain.py", "tests/audit/test_revisions.py", "tests/jobs/test_next_job.py"),
    "tests/rating/results/test_streamed_exports.py",
)
# All that a web process does, which takes several times as long: `make external ARGS=--whole`.
WHOLE = (
    *("tests/accounts", "tests/api", "tests/audit", "tests/jobs", "tests/people", "tests/privacy"),
    "tests/rating",
)
# Behind a pooler nothing is prepared, as there is nobody to keep it for, and everybody has its one role.
NOT_POOLED = (
    "--deselect=tests/rating/reading/test_prepared_queries.py::test_the_server_plans_them_once_a_connection",
    "--ignore=tests/audit/test_roles.py",
)


def main() -> int:
    is_whole = "--whole" in sys.argv[1:]
    arguments = [word for word in sys.argv[1:] if word != "--whole"]
    programs = newest_postgres()
    missing = {"postgresql": programs, "redis-server": REDIS, "pgbouncer": pooler.PROGRAM}
    if names := [name for name, program in missing.items() if not program]:
        print(f"Not installed: {', '.join(names)}. On Debian and Ubuntu: apt install {' '.join(names)}.")
        return 1
    assert programs is not None
    with (
        tempfile.TemporaryDirectory(prefix="lungrater-external-", ignore_cleanup_errors=True) as folder,
        serving(programs, cluster(programs, Path(folder) / "postgres")) as port,
        broker(Path(folder)) as redis_url,
    ):
        print(version(programs / "postgres"), version(Path(REDIS or "")), sep="; ", flush=True)
        make_roles(port)
        urls = {
            "DATABASE_URL": f"postgresql://{SITE_ROLE}:{PASSWORD}@127.0.0.1:{port}/postgres",
            "DATABASE_OWNER_URL": f"postgresql://{OWNER_ROLE}:{PASSWORD}@127.0.0.1:{port}/postgres",
            "REDIS_URL": redis_url,
        }
        make_databases(Path(folder) / "home", urls, port)
        codes = [run(WHOLE if is_whole else ON_THE_SERVERS, urls, arguments)]
        line = f"* = host=127.0.0.1 port={port} user={OWNER_ROLE} password={PASSWORD}"
        print(version(Path(pooler.PROGRAM or "")), flush=True)
        with pooler.pooler(line, Path(folder) / "pool", connections=CONNECTIONS) as pooled:
            url = f"postgresql://{OWNER_ROLE}@127.0.0.1:{pooled}/postgres"
            by_pooler = {**urls, "DATABASE_URL": url, "DATABASE_OWNER_URL": url, "DATABASE_POOLED": "1"}
            tests = ("tests/test_permissions.py", *WHOLE) if is_whole else THROUGH_THE_POOLER
            codes.append(run([*tests, *NOT_POOLED], by_pooler, arguments))
    return max(codes)


def make_databases(home: Path, urls: Mapping[str, str], port: int) -> None:
    """Those of the processes of xdist, migrated once and copied; with `--reuse-db`, each finds its own there."""
    source = urlsplit(urls["DATABASE_URL"])._replace(path="/migrated").geturl()
    with psycopg.connect(owner_url(port, "postgres"), autocommit=True, connect_timeout=10) as connection:
        connection.execute("CREATE DATABASE migrated")
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=REPOSITORY,
            env={**os.environ, **urls, "DATABASE_URL": source, "LUNGRATER_HOME": str(home)},
            check=True,
        )
        for number in range(PROCESSES):
            connection.execute(f"CREATE DATABASE test_postgres_gw{number} TEMPLATE migrated")


def run(tests: Sequence[str], urls: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Its exit code. Databases are left to the cluster, which goes: none can be dropped while the pooler holds it."""
    words = ["-m", "pytest", "-p", "tests.servers.no_skips", "--reuse-db", "-m", "not e2e"]
    words += ["--numprocesses", str(PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]
    if not (REPOSITORY.parent / "shared" / "data").is_dir():
        words.append("--without-shared")
    chosen = [word for word in arguments if (REPOSITORY / word.partition("::")[0]).exists()]
    return subprocess.run(
        [sys.executable, *words, *([] if chosen else tests), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **urls},
        check=False,
    ).returncode


def make_roles(port: int) -> None:
    """Two with the names of the site's own, of which tests speak."""
    with psycopg.connect(owner_url(port, "postgres"), autocommit=True, connect_timeout=10) as connection:
        for role, rights in ((OWNER_ROLE, "SUPERUSER"), (SITE_ROLE, "NOSUPERUSER")):
            connection.execute(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{PASSWORD}'")


def newest_postgres() -> Path | None:
    """The folder of its programs."""
    folders = [path.parent for path in POSTGRES_FOLDERS.glob("*/bin/postgres")]
    return max(folders, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), default=None)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The URL of a Redis with a password, which keeps nothing."""
    port = free_port()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", "of-the-broker", "--save", ""]
    words += ["--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([REDIS or "", *words], stdout=subprocess.DEVNULL)
    url = f"redis://:of-the-broker@127.0.0.1:{port}/0"
    try:
        wait_until_it_answers(process, lambda: _answers(url), STARTS_WITHIN)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    with contextlib.suppress(redis.RedisError), redis.Redis.from_url(url, socket_timeout=2) as client:
        return bool(client.ping())
    return False


def version(program: Path) -> str:
    words = [str(program), "--version"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
