"""The database ends what takes a page too long, and is given up where it is frozen."""

from __future__ import annotations

import os
import signal
import time

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections

from lungrater.deadlines import limits
from lungrater.embedded.urls import database_url
from tests.lungrater.own_process import output_of

SHOW = """
from django.db import connection
def show(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]
print(show("statement_timeout"), show("idle_in_transaction_session_timeout"))
"""
AS_WEB = f"import lungrater.wsgi{SHOW}"
AS_COMMAND = f"import django; django.setup(){SHOW}"


def test_the_database_ends_what_takes_a_page_too_long(servers: None) -> None:
    assert output_of(AS_WEB) == "30s 2min"
    assert output_of(AS_WEB, WEB_STATEMENT_SECONDS="2.5", WEB_IDLE_IN_TRANSACTION_SECONDS="9") == "2500ms 9s"


def test_jobs_and_commands_may_take_as_long_as_they_need(servers: None) -> None:
    assert output_of(AS_COMMAND) == "0 0"


def test_a_pooled_database_is_sent_no_option_it_would_refuse(servers: None) -> None:
    lines = output_of(
        f"{AS_WEB}print(connection.settings_dict['DISABLE_SERVER_SIDE_CURSORS'], "
        "connection.settings_dict['OPTIONS'].get('options'))",
        DATABASE_POOLED="1",
    )

    assert lines.splitlines() == ["0 0", "True None"]


def test_options_of_the_address_stand_beside_ours(servers: None) -> None:
    address = f"{database_url()}&options=-c%20lock_timeout%3D7s"

    assert output_of(f"{AS_WEB}print(show('lock_timeout'))", DATABASE_URL=address).splitlines() == [
        "30s 2min",
        "7s",
    ]


@pytest.mark.django_db
def test_a_connection_that_django_makes_apart_has_the_deadlines_of_the_settings() -> None:
    apart = connections.create_connection(DEFAULT_DB_ALIAS)
    apart.ensure_connection()
    parameters = apart.connection.info.get_parameters()
    apart.close()

    assert parameters["connect_timeout"] == str(limits.DATABASE_CONNECT_SECONDS)
    assert parameters["tcp_user_timeout"] == str(1000 * limits.DATABASE_SILENT_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_a_frozen_database_is_given_up_and_the_next_question_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "ANSWER_WITHIN", 0.5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
    os.kill(backend, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with (
            pytest.raises(OperationalError, match=r"did not answer within 0\.5 s"),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
        waited = time.monotonic() - began
    finally:
        os.kill(backend, signal.SIGCONT)
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 2")

        assert cursor.fetchone() == (2,)
    assert waited < 5
    connection.close()
