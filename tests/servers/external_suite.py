"""A part of the suite on servers that are not the site's own: Debian's PostgreSQL and Redis, then through PgBouncer.

    python -m tests.servers.external_suite [words for pytest]

Starts each of them on loopback with files of its own, and leaves nothing behind. Where a program is missing it says so
and fails; so does a test that skips itself. Tests that are named take the place of those listed here, on either.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import redis

from lungrater.embedded.home import OWNER_ROLE, SITE_ROLE
from tests.servers import pooler
from tests.servers.external_server import cluster, owner_url, serving
from tests.servers.sites import REPOSITORY, free_port

STARTS_WITHIN = 20.0
POSTGRES_FOLDERS = Path("/usr/lib/postgresql")
REDIS = shutil.which("redis-server")
# The processes of xdist each have databases of their own, and a test with threads a connection for each of them.
CONNECTIONS = 20
PASSWORD = "of-this-role"
# Tests leave their tables empty: a planner that autovacuum told so would go through all that a test fills in one statement.
SETTINGS = "autovacuum = off\n"
PREPARED = "tests/rating/reading/test_prepared_queries.py"
ON_THE_SERVERS = (
    *("tests/audit", "tests/jobs", "tests/privacy", "tests/rating/reading"),
    *(f"tests/rating/results/test_{name}.py" for name in ("exports", "streamed_exports", "one_snapshot")),
    *("tests/api/test_permissions.py", "tests/api/test_studies.py", "tests/api/test_pool.py"),
    "tests/test_permissions.py",
)
# The test of the two roles needs both, and the pooler gives everybody one.
THROUGH_THE_POOLER = (
    *("tests/rating/reading", "tests/people", "tests/test_permissions.py", "tests/api/test_permissions.py"),
    *(f"tests/audit/test_{name}.py" for name in ("chain", "revisions", "signatures", "what_is_logged")),
    # Behind a pooler nothing is prepared: there is nobody to keep it for.
    f"--deselect={PREPARED}::test_the_server_plans_them_once_a_connection",
)


def main() -> int:
    programs = newest_postgres()
    missing = {"postgresql": programs, "redis-server": REDIS, "pgbouncer": pooler.PROGRAM}
    if names := [name for name, program in missing.items() if not program]:
        print(f"Not installed: {', '.join(names)}. On Debian and Ubuntu: apt install {' '.join(names)}.")
        return 1
    assert programs is not None
    with (
        tempfile.TemporaryDirectory(prefix="lungrater-external-", ignore_cleanup_errors=True) as folder,
        serving(programs, cluster(programs, Path(folder) / "postgres", settings=SETTINGS)) as port,
        broker(Path(folder)) as redis_url,
    ):
        print(version(programs / "postgres"), version(Path(REDIS or "")), sep="; ", flush=True)
        make_roles(port)
        urls = {
            "DATABASE_URL": f"postgresql://{SITE_ROLE}:{PASSWORD}@127.0.0.1:{port}/postgres",
            "DATABASE_OWNER_URL": f"postgresql://{OWNER_ROLE}:{PASSWORD}@127.0.0.1:{port}/postgres",
            "REDIS_URL": redis_url,
        }
        codes = [run(ON_THE_SERVERS, **urls)]
        line = f"* = host=127.0.0.1 port={port} user={OWNER_ROLE} password={PASSWORD}"
        print(version(Path(pooler.PROGRAM or "")), flush=True)
        with pooler.pooler(line, Path(folder) / "pool", connections=CONNECTIONS) as pooled:
            url = f"postgresql://{OWNER_ROLE}@127.0.0.1:{pooled}/postgres"
            pooler.wait_until_it_answers(url)
            by_pooler = {**urls, "DATABASE_URL": url, "DATABASE_OWNER_URL": url, "DATABASE_POOLED": "1"}
            codes.append(run(THROUGH_THE_POOLER, **by_pooler))
    return max(codes)


def run(tests: Sequence[str], **environs: str) -> int:
    """Its exit code. Databases are left to the cluster, which goes: none can be dropped while the pooler holds it."""
    processes = min(4, os.cpu_count() or 1) + 1
    words = ["-m", "pytest", "-p", "tests.servers.no_skips", "--reuse-db", "-m", "not e2e"]
    words += ["--numprocesses", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]
    if not (REPOSITORY.parent / "shared" / "data").is_dir():
        words.append("--without-shared")
    asked = sys.argv[1:]
    chosen = [word for word in asked if (REPOSITORY / word.partition("::")[0]).exists()]
    return subprocess.run(
        [sys.executable, *words, *([] if chosen else tests), *asked],
        cwd=REPOSITORY,
        env={**os.environ, **environs},
        check=False,
    ).returncode


def make_roles(port: int) -> None:
    """Two with the names of the site's own, of which tests speak."""
    with psycopg.connect(owner_url(port, "postgres"), autocommit=True, connect_timeout=10) as connection:
        for role, rights in ((OWNER_ROLE, "SUPERUSER"), (SITE_ROLE, "NOSUPERUSER")):
            connection.execute(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{PASSWORD}'")


def newest_postgres() -> Path | None:
    """The folder of its programs."""
    found = [path.parent for path in POSTGRES_FOLDERS.glob("*/bin/postgres")]
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), default=None)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The URL of a Redis with a password, which keeps nothing."""
    port = free_port()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", "of-the-broker", "--save", ""]
    words += ["--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([REDIS or "", *words], stdout=subprocess.DEVNULL)
    url = f"redis://:of-the-broker@127.0.0.1:{port}/0"
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while not _answers(url):
            assert process.poll() is None, "Redis ended"
            assert time.monotonic() < deadline, "Redis does not answer"
            time.sleep(0.1)
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
