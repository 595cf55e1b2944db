"""Commands that need a database, with and without a site beside them."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg
import pytest
from django.core.checks.registry import registry
from environ.fileaware_mapping import FileAwareMapping

from lungrater.cli import Utility
from lungrater.embedded import lock, postgres, redis
from lungrater.embedded.home import CannotStartError, Home
from lungrater.embedded.running import running
from lungrater.embedded.urls import database_url, redis_url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LUNGRATER_HOME", str(tmp_path / "home"))
    return Home.from_environment()


def stay(started: Event, leave: Event) -> None:
    with running(who="lungrater import"):
        started.set()
        leave.wait(30)


def test_the_servers_run_inside_the_block_and_not_after(home: Home) -> None:
    with running(who="test"):
        with psycopg.connect(database_url()) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        with redis.client(redis_url()) as broker:
            assert broker.config_get("appendonly") == {"appendonly": "yes"}

    assert not postgres.answers(home)
    assert not redis.answers(redis.url(home))


def test_a_second_command_joins_and_the_first_waits_for_it(home: Home) -> None:
    spawn = multiprocessing.get_context("spawn")
    started, leave = spawn.Event(), spawn.Event()
    first = spawn.Process(target=stay, args=(started, leave))
    first.start()
    try:
        assert started.wait(30)

        with running(who="test"):
            leave.set()
            first.join(0.3)
            assert first.is_alive()
            assert postgres.answers(home)
        first.join(10)
    finally:
        first.kill()

    assert first.exitcode == 0
    assert not postgres.answers(home)


def test_a_starter_is_named_to_the_next(home: Home) -> None:
    home.prepare()
    with (
        lock.starter(home, who="lungrater import"),
        pytest.raises(
            CannotStartError,
            match=rf"^`lungrater import` \(process {os.getpid()}\) is using {home.root}: wait",
        ),
        lock.starter(home, who="lungrater up"),
    ):
        pass


def test_a_cluster_half_made_is_made_again(home: Home) -> None:
    home.prepare()
    half = home.root / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    with running(who="test"):
        assert postgres.answers(home)


@pytest.mark.skipif(sys.platform != "linux", reason="sets a Linux path length")
def test_a_home_too_deep_for_sockets_gets_them_elsewhere(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    monkeypatch.setenv("LUNGRATER_HOME", str(deep))

    with running(who="test"):
        assert postgres.answers(Home(deep))
        assert Home(deep).sockets.parent == Path("/tmp")

    for left in sorted(Home(deep).sockets.rglob("*"), reverse=True):
        left.rmdir() if left.is_dir() else left.unlink()
    Home(deep).sockets.rmdir()


def test_both_servers_named_by_the_environment_start_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/lungrater")
    monkeypatch.setenv("REDIS_URL", "redis://broker.example/0")

    with running(who="test"):
        assert database_url() == "postgresql://db.example/lungrater"
        assert redis_url() == "redis://broker.example/0"

    assert not home.root.exists()


def test_a_secret_may_stand_in_a_file(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # All readers of the environment remember what one of them found in a file, so this memory is the test's own.
    monkeypatch.setattr("lungrater.embedded.urls.env.ENVIRON", FileAwareMapping())
    (tmp_path / "url").write_text("postgresql://db.example/secret\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))

    assert database_url() == "postgresql://db.example/secret"


def test_a_command_asks_for_every_check_but_that_of_the_pages_addresses() -> None:
    command = Utility(["lungrater", "verify"]).fetch_command("verify")

    assert set(command.requires_system_checks) == registry.tags_available() - {"urls"}
