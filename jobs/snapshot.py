"""One moment of the database: all that is read inside is as of it, whatever is written meanwhile.

No server-side cursor is left open: rows come in pages by key, which a transaction pooler lets through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection, models, transaction

Row = TypeVar("Row", bound=models.Model)
PAGE = 2000


class Snapshot:
    """The moment, and a way to write while it is being read."""

    def __init__(self, *, is_own: bool) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="beside a snapshot") if is_own else None

    def outside(self, write: Callable[[], Any]) -> None:
        """Do this on another connection: the one of the snapshot is read-only. Raises what it raises."""
        if self._writer is None:
            write()
        else:
            self._writer.submit(write).result()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.submit(_close_own_connection).result()
            self._writer.shutdown()


def _close_own_connection() -> None:
    """Each thread has its own, so that this has to be called there."""
    connection.close()


@contextlib.contextmanager
def one_snapshot() -> Iterator[Snapshot]:
    """Read in a REPEATABLE READ, READ ONLY transaction of its own; inside another transaction, in that one."""
    if connection.in_atomic_block:  # its isolation is settled by now
        yield Snapshot(is_own=False)
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with contextlib.closing(Snapshot(is_own=True)) as snapshot:
            yield snapshot


def in_one_snapshot(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a generator that reads as it goes, all of one moment: for an answer that is streamed."""
    with one_snapshot():
        yield from lines


def in_pages(rows: models.QuerySet[Row], key: str, *, size: int = PAGE) -> Iterator[Row]:
    """The rows by this key, which no two of them share, a page at a time."""
    after: Any = None
    ordered = rows.order_by(key)
    while True:
        page = list((ordered if after is None else ordered.filter(**{f"{key}__gt": after}))[:size])
        yield from page
        if len(page) < size:
            return
        after = getattr(page[-1], key)
