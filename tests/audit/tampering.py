"""What somebody does who holds the whole database: the guards off, a statement, the guards on again."""

from __future__ import annotations

from django.db import connection


def as_superuser(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no trigger fires
        try:
            for statement in statements:
                cursor.execute(statement)
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
