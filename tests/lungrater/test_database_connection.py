"""Whether the database is still there is asked of the line, and of the server only where the line has news."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.postgresql import base

pytestmark = pytest.mark.django_db


@pytest.fixture
def apart() -> Iterator[Any]:
    another = connections.create_connection(DEFAULT_DB_ALIAS)
    another.ensure_connection()
    yield another
    another.close()


def test_a_server_that_is_there_is_not_asked(apart: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", lambda _: pytest.fail("the server was asked"))

    assert apart.is_usable()


def test_a_session_that_the_server_ended_is_no_longer_usable(apart: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [apart.connection.info.backend_pid])

    assert not apart.is_usable()


def test_nor_is_one_that_was_given_up_here(apart: Any) -> None:
    apart.connection.pgconn.finish()

    assert not apart.is_usable()
