"""Web, workers and beat use a database role that owns nothing: it cannot switch off what guards the log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from psycopg.errors import InsufficientPrivilege, RestrictViolation
from psycopg.sql import SQL, Identifier

from audit.guard import is_guarded
from lungrater.embedded import postgres
from lungrater.embedded.home import Home
from lungrater.embedded.running import running
from lungrater.embedded.urls import database_url, owner_url, redis_url
from tests.servers.sites import REPOSITORY

FORBIDDEN = [
    "TRUNCATE audit_event",
    "TRUNCATE rating_ratingrevision",
    "TRUNCATE rating_study CASCADE",
    "UPDATE audit_event SET action = 'else'",
    "UPDATE audit_event SET at = now()",
    "UPDATE audit_event SET sha256 = ''",
    "DELETE FROM audit_event",
    "UPDATE rating_ratingrevision SET label = 'real'",
    "UPDATE rating_ratingrevision SET chain_number = 1",
    "DELETE FROM rating_ratingrevision",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "ALTER TABLE rating_ratingrevision DISABLE TRIGGER USER",
    "ALTER TABLE rating_study DISABLE TRIGGER USER",
    "DROP TRIGGER audit_event_append_only ON audit_event",
    "DROP TABLE audit_event",
    "CREATE OR REPLACE FUNCTION audit_event_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE public.mine (a int)",
    "SET session_replication_role = replica",
    "SET ROLE postgres",
    "ALTER ROLE lungrater SUPERUSER",
    "DELETE FROM django_migrations",
    "SET lungrater.maintenance = 'on'; TRUNCATE audit_event",
    "SET lungrater.maintenance = 'on'; DELETE FROM audit_event",
]
FIELDS = "chain, subject_kind, subject_key, action, actor_kind, identity, identity_nonce, identity_sha256"
FIELDS += ", reason, reason_nonce, reason_sha256, detail"
VALUES = "'site', 'site', '', 'forged', 'site', '', '', '', '', '', '', '{}'"


@pytest.fixture
def site(db: None) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The test database as the site's own role sees it; what it writes goes away with the test."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(database_url(), dbname=name, connect_timeout=10) as connected:
        yield connected
        connected.rollback()


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_sites_role_cannot(site, statement: str) -> None:
    with pytest.raises((InsufficientPrivilege, RestrictViolation)):
        site.execute(statement)


def test_a_forged_number_hash_and_time_are_not_taken(site):
    site.execute("SET lungrater.maintenance = 'on'")
    site.execute(
        f"INSERT INTO audit_event ({FIELDS}, number, at, sha256) VALUES ({VALUES}, 9, '2001-01-01', repeat('f', 64))"
    )
    site.execute("SET CONSTRAINTS ALL IMMEDIATE")

    number, year, forged = site.execute(
        "SELECT number, extract(year FROM at), sha256 = repeat('f', 64) FROM audit_event WHERE action = 'forged'"
    ).fetchone()

    assert (number, forged) == (1, False)
    assert year > 2001


def test_the_sites_role_does_its_daily_work(site):
    site.execute("SELECT count(*) FROM rating_rating")
    site.execute("UPDATE accounts_user SET first_name = 'Rita'")
    site.execute("DELETE FROM django_session")


def test_whoever_owns_the_log_is_told_that_nothing_guards_it(db):
    assert not is_guarded()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE lungrater")
        assert is_guarded()


def test_a_password_is_asked_of_whoever_reaches_the_socket(tmp_path: Path, monkeypatch) -> None:
    home = own_home(tmp_path, monkeypatch)

    with running(who="test"):
        for role in ("postgres", "lungrater"):
            without = f"postgresql://{role}@/postgres?host={home.sockets / 'pg'}&passfile=/dev/null"
            with pytest.raises(psycopg.OperationalError, match="no password supplied"):
                psycopg.connect(without, connect_timeout=10)
        assert home.owner_passfile.stat().st_mode & 0o077 == 0


def test_a_cluster_that_trusted_everybody_gets_passwords_and_keeps_its_data(
    tmp_path: Path, monkeypatch
) -> None:
    home = own_home(tmp_path, monkeypatch)
    with running(who="test"), psycopg.connect(postgres.owner_url(home), connect_timeout=10) as connected:
        connected.execute("CREATE TABLE data AS SELECT 42 AS answer")
    rules = home.postgres / "pg_hba.conf"
    rules.write_text(rules.read_text().replace("scram-sha-256", "trust"))
    home.owner_passfile.unlink()

    with running(who="test"), psycopg.connect(postgres.owner_url(home), connect_timeout=10) as connected:
        assert connected.execute("SELECT answer FROM data").fetchone() == (42,)

    assert "trust" not in [
        line.split()[-1] for line in rules.read_text().splitlines() if line.startswith("local")
    ]


def test_the_first_migration_asks_nothing_of_a_role_that_it_has_yet_to_make(
    servers: None, tmp_path: Path
) -> None:
    """As `docker compose up` begins: an empty database of the owner's, and the site's role only a name."""
    owner, database = owner_url(), f"fresh_{os.getpid()}"
    address = urlsplit(owner)._replace(path=f"/{database}")
    server = address.netloc.rpartition("@")[2]
    nobody = address._replace(netloc=f"nobody_{os.getpid()}:secret@{server}")
    env = {
        **os.environ,
        "DATABASE_OWNER_URL": address.geturl(),
        "DATABASE_URL": nobody.geturl(),
        "REDIS_URL": redis_url(),
        "LUNGRATER_HOME": str(tmp_path),
    }
    with psycopg.connect(owner, autocommit=True, connect_timeout=10) as connected:
        connected.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
        try:
            command = [sys.executable, "manage.py", "migrate", "--plan", "--check"]
            done = subprocess.run(
                command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=120, check=False
            )
        finally:
            connected.execute(SQL("DROP DATABASE {}").format(Identifier(database)))

    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "accounts.0001_initial" in done.stdout


def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LUNGRATER_HOME", str(tmp_path / "home"))
    return Home.from_environment()
