"""What /healthz says when a part is missing; that it is 200 on a whole site, test_up.py shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from lungrater.health import _some_worker_answers
from pool import durability


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    _some_worker_answers.cache_clear()
    durability._reason.cache_clear()
    yield
    durability._reason.cache_clear()


def test_a_missing_worker_is_named(client: Client, db: None) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "missing": ["worker"]}


@override_settings(CELERY_BROKER_URL="redis+socket:///nowhere/redis.sock")
def test_a_missing_broker_is_named_with_the_worker_it_hides(client: Client, db: None) -> None:
    answer = client.get("/healthz")

    assert answer.json()["missing"] == ["broker", "worker"]


def test_a_missing_database_is_named(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("no such server")

    with monkeypatch.context() as without_database:
        without_database.setattr(connection, "_cursor", refuse)
        answer = client.get("/healthz")

    assert answer.status_code == 503
    assert "database" in answer.json()["missing"]


def test_our_own_database_keeps_what_it_acknowledges(db: None) -> None:
    assert durability.why_not_durable() is None


def test_a_database_that_may_lose_ratings_is_named_with_the_setting(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    reason = durability.why_not_durable()

    assert reason == (
        "Ratings cannot be taken: the database runs with synchronous_commit=off, so it may lose what it has "
        "acknowledged. Switch that on in PostgreSQL and try again."
    )


def test_the_database_is_not_asked_before_every_rating(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            durability.why_not_durable()

    assert len(asked) <= 2  # two, where the ten seconds end between the calls
