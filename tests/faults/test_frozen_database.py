"""A PostgreSQL that is frozen, not dead: connections stand and nothing is answered."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.faults.conftest import Room
from tests.faults.processes import frozen, lives
from tests.servers.reading_site import answer

ANSWERS_WITHIN = 15.0  # WEB_STATEMENT_SECONDS is 4 here, and connecting has 5 more


def test_a_save_is_given_up_in_time_never_acknowledged_and_taken_afterwards(room: Room) -> None:
    path = room.next_path()
    began = time.monotonic()

    with frozen(room.site.pid_of("postgres")):
        status = answer(room.site.port, room.reader, path)
        seconds = time.monotonic() - began
        is_alive = lives(room.site.port)
    again = answer(room.site.port, room.reader, path)

    assert status == 503
    assert seconds < ANSWERS_WITHIN
    assert is_alive, "the process that serves lives without a database"
    assert again == 200
    assert room.ratings_of(path) == 1


def test_without_a_bound_of_its_own_a_client_waits_on(room: Room) -> None:
    """The control: what has no deadline has heard nothing after as long."""
    connection = psycopg.connect(room.database, connect_timeout=10)
    with frozen(room.site.pid_of("postgres")):
        connection.pgconn.send_query(b"SELECT 1")
        time.sleep(2)
        connection.pgconn.consume_input()
        is_waiting = connection.pgconn.is_busy()
    connection.close()

    assert is_waiting


@pytest.fixture(autouse=True)
def healthy_afterwards(room: Room) -> None:
    assert lives(room.site.port)
