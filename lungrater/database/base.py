"""Django's PostgreSQL backend, which gives a server up that answers nothing at all.

`statement_timeout` is kept by the server, and so not by one that is frozen or behind a dropped route: the web process
counts for itself as well. The bound is the database's ANSWER_WITHIN, in seconds; without it the wait has no end, as
jobs and commands need.
"""

from __future__ import annotations

import select
from types import ModuleType
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

RV = TypeVar("RV")


class BoundedConnection(psycopg.Connection[Any]):
    answer_within: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """What the server answers. Raises OperationalError, and closes, where it answers nothing for too long."""
        bound = timeout if timeout is not None else self.answer_within
        try:
            return super().wait(gen, interval, bound)
        except _WaitTimeout as error:
            if timeout is not None:
                raise
            self.pgconn.finish()  # half a talk cannot be gone on with
            raise psycopg.OperationalError(f"The database did not answer within {bound:g} s.") from error


def _with_bounded_connections() -> ModuleType:
    """psycopg as Django uses it, but for the kind of connection that `connect` gives."""
    module = ModuleType(psycopg.__name__)
    vars(module).update({**vars(psycopg), "connect": BoundedConnection.connect})
    return module


class DatabaseWrapper(base.DatabaseWrapper):
    Database = _with_bounded_connections()

    def get_new_connection(self, conn_params: dict[str, object]) -> BoundedConnection:
        connection: BoundedConnection = super().get_new_connection(conn_params)
        connection.answer_within = self.settings_dict.get("ANSWER_WITHIN")
        return connection

    def is_usable(self) -> bool:
        """Django asks before each request whether the server is still there; it is asked itself where it may be gone.

        A server that ends, or ends this session, says so or hangs up, which can be read without a word to it.
        """
        if self.connection is None or self.connection.closed:
            return False
        line = select.poll()
        line.register(self.connection.fileno(), select.POLLIN)
        return bool(super().is_usable()) if line.poll(0) else True
