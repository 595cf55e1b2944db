"""What docs/operations.md says of losing five minutes and of rotating keys, done as it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from lungrater.embedded import postgres
from lungrater.embedded.home import Home
from tests.prepared_tables import home_with_tables
from tests.servers.external_server import cluster, owner_url, passable, serving
from tests.servers.sites import REPOSITORY, lungrater

pytestmark = pytest.mark.e2e


def blocks_of_settings(folder: Path) -> list[str]:
    """Those of the document, with this folder for /backups."""
    text = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    return [block.replace("/backups", str(folder)) for block in blocks]


@pytest.mark.external
def test_a_lost_server_comes_back_from_its_archive_with_what_came_after_the_base_backup(
    tmp_path: Path,
) -> None:
    programs = postgres.client_program("postgres").parent
    backups = tmp_path / "backups"
    for folder in (backups, backups / "wal"):
        folder.mkdir()
        passable(folder)
    archive, recover = blocks_of_settings(backups)
    data = cluster(programs, tmp_path / "server", settings=archive)
    with serving(programs, data) as port:
        run_base_backup(programs, port, backups / "base")
        with psycopg.connect(owner_url(port, "postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE later AS SELECT 42 AS answer")
            connection.execute("SELECT pg_switch_wal()")  # what archive_timeout does after five minutes
    shutil.rmtree(data)

    shutil.copytree(backups / "base", data)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(recover)
    (data / "recovery.signal").touch()
    passable(data)

    with serving(programs, data) as port, psycopg.connect(owner_url(port, "postgres")) as connection:
        assert connection.execute("SELECT answer FROM later").fetchone() == (42,)


def run_base_backup(programs: Path, port: int, target: Path) -> None:
    words = ["-D", str(target), "-X", "none", "-c", "fast", "-d", owner_url(port, "postgres")]
    subprocess.run([programs / "pg_basebackup", *words], check=True, capture_output=True)


def test_the_password_of_the_sites_role_is_changed_by_deleting_its_file(tmp_path: Path) -> None:
    home = Home(home_with_tables(tmp_path))
    assert lungrater(home.root, "verify").returncode == 0
    before = home.site_passfile.read_text()

    home.site_passfile.unlink()

    assert lungrater(home.root, "verify").returncode == 0
    assert home.site_passfile.read_text() != before
    assert not home.site_passfile.stat().st_mode & 0o077
