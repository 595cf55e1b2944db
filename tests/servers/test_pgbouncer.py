"""A site whose web processes and jobs reach PostgreSQL only through PgBouncer in transaction mode."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest

from lungrater.embedded import postgres
from lungrater.embedded.home import SITE_ROLE, Home
from tests.servers.pooler import PROGRAM, environment, pooling, serving
from tests.servers.reading_site import Reader, answer, fill
from tests.servers.sites import COMMAND_ENDS_WITHIN, REPOSITORY, Site

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.external,
    pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed here."),
]

LIMIT = "1s"


@dataclass(frozen=True)
class Pooled:
    """The home, the database by way of the pooler, and the web server that has only that one."""

    home: Path
    url: str
    port: int
    readers: list[Reader]

    def command(self, *words: str, **environs: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=REPOSITORY,
            env=environment(self.home, self.url, **environs),
            capture_output=True,
            text=True,
            timeout=COMMAND_ENDS_WITHIN,
            check=False,
        )

    def browser(self, **cookies: str) -> httpx2.Client:
        address = f"http://localhost:{self.port}"
        return httpx2.Client(base_url=address, cookies=cookies, timeout=30, follow_redirects=True)


@pytest.fixture(scope="module")
def pooled(running_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    home = running_site.home
    readers = fill(home, images=4)
    with psycopg.connect(postgres.owner_url(Home(home)), autocommit=True) as owner:
        owner.execute(f"ALTER ROLE {SITE_ROLE} SET statement_timeout = '{LIMIT}'")
        try:
            with (
                pooling(home, tmp_path_factory.mktemp("pooler") / "pool") as url,
                serving(home, url) as port,
            ):
                yield Pooled(home, url, port, readers)
        finally:
            owner.execute(f"ALTER ROLE {SITE_ROLE} RESET statement_timeout")


def read_on(pooled: Pooled, reader: Reader) -> list[tuple[int, int, int]]:
    """Ask what is next, look at the image and rate it, to the end: the statuses of the three, image by image."""
    slug = reader.paths[0].split("/")[2]
    statuses = []
    with pooled.browser(sessionid=reader.session) as browser:
        for path in reader.paths:
            ahead = browser.get(f"/reading/{slug}/ahead/?session=1", headers={"Accept": "application/json"})
            image = browser.get(f"/i/{path.split('/')[-2]}")
            statuses.append((ahead.status_code, image.status_code, answer(pooled.port, reader, path)))
    return statuses


def test_raters_read_side_by_side_a_job_runs_and_the_export_has_every_rating(pooled: Pooled) -> None:
    with ThreadPoolExecutor(len(pooled.readers)) as rooms:
        statuses = list(rooms.map(lambda reader: read_on(pooled, reader), pooled.readers))
    job = pooled.command(
        *("generate", "--engine=phantom", "--count=3", "--size=64", "--seed=9", "--dataset=Pooled")
    )
    closed = pooled.command("study", "close", "Drill")
    exported = pooled.command("export", "Drill", "--format", "csv")

    assert statuses == [[(200, 200, 200)] * len(reader.paths) for reader in pooled.readers]
    assert "3 made" in job.stdout, job.stderr
    assert closed.returncode == 0, closed.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert [row["label"] for row in rows] == ["real"] * sum(len(reader.paths) for reader in pooled.readers)


def test_a_person_signs_in_by_a_link_and_sees_the_study(pooled: Pooled) -> None:
    link = pooled.command("person", "pooled@example.org", "--role", "researcher").stdout.splitlines()[0]

    with pooled.browser() as browser:
        page = browser.get(urlsplit(link).path)
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[:1]
        browser.post(urlsplit(link).path, data={"csrfmiddlewaretoken": token})
        studies = browser.get("/studies/")

    assert studies.status_code == 200
    assert "Drill" in studies.text


def test_what_takes_too_long_is_ended_by_the_limit_of_the_role(pooled: Pooled) -> None:
    with (
        psycopg.connect(pooled.url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        connection.execute("SELECT pg_sleep(20)")


def test_without_its_setting_the_pooler_refuses_the_web_process(pooled: Pooled) -> None:
    """The control: what a web process sends at its start where nobody has said that there is a pooler."""
    look = "from django.db import connection; connection.ensure_connection()"

    done = pooled.command("shell", "-c", look, LUNGRATER_IS_WEB="1", DATABASE_POOLED="0")

    assert done.returncode != 0
    assert "unsupported startup parameter: options" in done.stderr
