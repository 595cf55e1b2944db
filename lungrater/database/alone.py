"""Work that one process does at a time: whoever comes second is told so instead of waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


@contextmanager
def alone(work: str) -> Iterator[bool]:
    """Whether nobody else is at this work now; a lock of a transaction, which a pooler passes on and which ends with its process.

    Its connection is its own: the work's has transactions that begin and end meanwhile.
    """
    own_connection = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        own_connection.set_autocommit(False)
        with own_connection.cursor() as cursor:
            cursor.execute(LOCK, [f"lungrater {work}"])
            (is_alone,) = cursor.fetchone()
        yield bool(is_alone)
    finally:
        own_connection.close()
