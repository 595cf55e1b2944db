"""PgBouncer in transaction mode before a site's own database, and a web server that knows only the pooler."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from lungrater.embedded import postgres, redis
from lungrater.embedded.commands import web
from lungrater.embedded.home import SITE_ROLE, Home
from tests.servers.external_server import USER, passable
from tests.servers.sites import REPOSITORY, free_port, takes_connections, wait_until_it_answers

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# Fewer than there are raters at once: what one leaves in a session, another would find there.
SERVER_CONNECTIONS = 2
STARTS_WITHIN = 30.0
CONFIGURATION = """
[databases]
{database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
"""


@contextlib.contextmanager
def pooling(home: Path, folder: Path) -> Iterator[str]:
    """The URL of a site's own database by way of the pooler."""
    site = Home(home)
    sockets = parse_qs(urlsplit(postgres.url(site)).query)["host"][0]
    password = site.site_passfile.read_text().strip().rpartition(":")[2]
    words = f"host={sockets} dbname={postgres.DATABASE} user={SITE_ROLE} password={password}"
    with pooler(f"lungrater = {words}", folder) as port:
        yield f"postgresql://{SITE_ROLE}@127.0.0.1:{port}/lungrater"


@contextlib.contextmanager
def pooler(database: str, folder: Path, *, connections: int = SERVER_CONNECTIONS) -> Iterator[int]:
    """The port of a PgBouncer with this line of databases."""
    assert PROGRAM is not None
    port = free_port()
    folder.mkdir()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(port=port, connections=connections, database=database, folder=folder)
    )
    passable(folder)
    process = subprocess.Popen(
        [PROGRAM, "--quiet", configuration], user=USER, group=USER, extra_groups=[] if USER else None
    )
    try:
        wait_until_it_answers(process, lambda: takes_connections(port), STARTS_WITHIN)
        yield port
    finally:
        process.kill()
        process.wait(10)


def environment(home: Path, url: str, **others: str) -> dict[str, str]:
    """Of a process on this home that reaches the database by this URL alone."""
    own = {"LUNGRATER_HOME": str(home), "DATABASE_URL": url, "REDIS_URL": redis.url(Home(home))}
    return {**os.environ, **own, "DATABASE_POOLED": "1", **others}


@contextlib.contextmanager
def serving(home: Path, url: str) -> Iterator[int]:
    """The port of a web server of its own, as `lungrater up` starts it."""
    port = free_port()
    process = subprocess.Popen(web(bind=f"127.0.0.1:{port}"), cwd=REPOSITORY, env=environment(home, url))
    try:
        wait_until_it_answers(process, lambda: _is_ready(port), STARTS_WITHIN)
        yield port
    finally:
        process.terminate()
        process.wait(15)


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
