"""What every test would do alike, done once in a process."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from whitenoise.middleware import WhiteNoiseMiddleware

# What `migrate` writes by itself, of the models, whatever a test does.
WRITTEN_BY_MIGRATE = frozenset({"django_content_type", "auth_permission"})
ANSWERED_WITHIN = 10.0  # seconds


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the collector need not go through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def static_files_listed_once() -> Iterator[None]:
    """Each test client makes the middleware anew, which would look for every static file on the disk."""
    listed: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def add(self: WhiteNoiseMiddleware) -> None:
        if not listed:
            look(self)
            listed.update(self.files)
        self.files.update(listed)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
        yield


@pytest.fixture(scope="session", autouse=True)
def tables_emptied_by_name() -> Iterator[None]:
    """After a test that commits, Django empties the tables: as their owner, and under the setting that says so.

    What it would then write anew, as after `migrate`, is left where it is. What a browser sent as it was closed is worked on
    to its end before: it would take the tables in another order, or write into the next test.
    """
    emptied, flushed = DatabaseOperations.execute_sql_flush, DatabaseOperations.sql_flush

    def by_name(self: DatabaseOperations, sql_list: list[str]) -> None:
        _let_live_server_answer()
        before = "SET LOCAL lungrater.maintenance = 'on'"
        emptied(self, [before, *sql_list] if sql_list else [])

    def of_tests(self: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        return flushed(self, style, [name for name in tables if name not in WRITTEN_BY_MIGRATE], **options)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(DatabaseOperations, "execute_sql_flush", by_name)
        patching.setattr(DatabaseOperations, "sql_flush", of_tests)
        patching.setattr(
            "django.core.management.commands.flush.emit_post_migrate_signal", lambda *_, **__: None
        )
        yield


def _let_live_server_answer() -> None:
    """Each connection to pytest-django's live server has a thread, which ends with the connection."""
    deadline = time.monotonic() + ANSWERED_WITHIN
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(max(0.0, deadline - time.monotonic()))
