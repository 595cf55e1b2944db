"""What a request costs the database: its queries, and the rows that are read for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

ROWS_GIVEN = """
    SELECT sum(pg_stat_get_xact_tuples_returned(own.oid) + pg_stat_get_xact_tuples_fetched(own.oid))
    FROM pg_class own LEFT JOIN pg_index ON indexrelid = own.oid JOIN pg_class of_table ON of_table.oid = coalesce(indrelid, own.oid)
    WHERE own.relkind IN ('r', 'i') AND of_table.relname LIKE %s ESCAPE '!'
"""
TRANSACTION = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE")


@dataclass
class Work:
    """Queries without those that only begin and end transactions, and how many rows were read."""

    queries: list[str] = field(default_factory=list)
    rows: int = 0


@contextmanager
def database_work() -> Iterator[Work]:
    """The work of this block: each statement is explained with its actual rows, undone, and then run in earnest."""
    work = Work()

    def counted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not TRANSACTION.match(sql):
            work.queries.append(sql)
            work.rows += _rows_read(sql, params)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counted):
        yield work


def _rows_read(sql: str, params: Any) -> int:
    """Over all nodes of the plan: rows that came out of it, and rows it looked at and dropped."""
    with connection.connection.cursor() as cursor, suppress_changes():
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
        plans: list[dict[str, Any]] = cursor.fetchone()[0]
    rows = 0
    for plan in plans:
        rows += _rows_of(plan["Plan"])
    return rows


def _rows_of(node: dict[str, Any]) -> int:
    read = node["Actual Rows"] + sum(rows for name, rows in node.items() if name.startswith("Rows Removed"))
    rows: int = round(read * node["Actual Loops"])
    return rows + sum(_rows_of(child) for child in node.get("Plans", []))


@contextmanager
def suppress_changes() -> Iterator[None]:
    """What an explained INSERT or UPDATE does is undone."""
    with connection.connection.cursor() as cursor:
        cursor.execute("SAVEPOINT explained")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK TO explained")


@contextmanager
def rows_of_tables(like: str = "rating!_%") -> Iterator[Work]:
    """Rows that tables of such names and their indexes gave in this block, to triggers too, which no plan shows."""
    work = Work()
    before = _rows_given(like)
    yield work
    work.rows = _rows_given(like) - before


def _rows_given(like: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(ROWS_GIVEN, [like])
        return int(cursor.fetchone()[0])


def analyze() -> None:
    """Let the planner know the tables as they are now, as autovacuum does sooner or later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
