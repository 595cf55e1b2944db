"""A site moves by backup and restore: to a PostgreSQL of its own and to S3, and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer

from lungrater.embedded import postgres
from tests.servers.external_server import cluster, owner_url, serving
from tests.servers.reading_site import files_below, fill, named_files_below
from tests.servers.sites import COMMAND_ENDS_WITHIN, REPOSITORY, lungrater

pytestmark = [pytest.mark.e2e, pytest.mark.external]

DEBIANS = Path("/usr/lib/postgresql/15/bin")
SITE = "site"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        for name in ("images", "backups"):
            boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=name)
        yield endpoint
        server.stop()


@pytest.fixture(scope="module", params=["newest", "15"])
def external(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that is not the site's own: the newest version here, or Debian's 15."""
    programs = postgres.client_program("initdb").parent if request.param == "newest" else DEBIANS
    if not (programs / "postgres").exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed here.")
    data = cluster(programs, tmp_path_factory.mktemp("external") / "data")
    with serving(programs, data) as port:
        yield port


def test_a_site_moves_to_another_server_and_to_s3_and_back(
    external: int, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, moved, back = (tmp_path / name for name in ("first", "moved", "back"))
    fill(first, images=4)
    there = lungrater(first, "backup", str(tmp_path / "there.backup"), "--json")
    assert there.returncode == 0, there.stderr
    with psycopg.connect(owner_url(external, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE lungs")
    key = ["--key", str(first / "secret_key")]

    with monkeypatch.context() as outside:
        outside.setenv("DATABASE_OWNER_URL", owner_url(external, "lungs"))
        outside.setenv("STORAGE_URL", f"s3://images/{external}?endpoint={bucket}")
        url = f"postgresql://{SITE}:of-the-site@127.0.0.1:{external}/lungs"
        restored = command(moved, url, "restore", str(tmp_path / "there.backup"), *key, "--json")
        again = command(tmp_path / "other", url, "restore", str(tmp_path / "there.backup"), *key)
        verified = command(moved, url, "verify", "--json")
        to = f"s3://backups/{external}?endpoint={bucket}"
        home = command(moved, url, "backup", str(tmp_path / "home.backup"), "--to", to, "--json")
    returned = lungrater(
        back, "restore", f"s3://backups/{external}/home.backup?endpoint={bucket}", *key, "--json"
    )

    for done in (restored, verified, home, returned):
        assert done.returncode == 0, done.stderr
    assert json.loads(restored.stdout)["tables"] == json.loads(there.stdout)["tables"]
    assert json.loads(restored.stdout)["discrepancies"] == json.loads(returned.stdout)["discrepancies"] == []
    assert again.stderr.strip() == "The folder or bucket for images is not empty: name another STORAGE_URL."
    assert json.loads(verified.stdout)["guarded"], "the site's role must own nothing"
    assert named_files_below(back / "media") == named_files_below(first / "media")
    assert files_below(back / "models") == files_below(first / "models")


def command(home: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`lungrater` as on a host whose database is elsewhere."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env={**os.environ, "LUNGRATER_HOME": str(home), "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=COMMAND_ENDS_WITHIN,
        check=False,
    )
