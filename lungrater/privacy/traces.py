"""Where a word still stands: every text of every table, and the site's logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import connection
from psycopg.sql import SQL, Identifier

COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY')
    ORDER BY table_name, column_name
"""


def traces_in_tables(words: Sequence[str]) -> dict[str, int]:
    """By table and column: how many rows hold one of these words, in whatever case."""
    traces = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for table, column in cursor.fetchall():
            query = SQL("SELECT count(*) FROM {} WHERE lower({}::text) LIKE ANY(%s)")
            patterns = [f"%{_escaped(word.lower())}%" for word in words]
            cursor.execute(query.format(Identifier(table), Identifier(column)), [patterns])
            (count,) = cursor.fetchone()
            if count:
                traces[f"{table}.{column}"] = count
    return traces


def overwrite_in_logs(words: Sequence[str]) -> int:
    """Blank these words in the logs under the home, at the same length, as others go on writing at the end."""
    replaced = 0
    for path in sorted(Path(settings.HOME.logs).glob("*.log*")):
        content = path.read_bytes()
        low = content.lower()
        with path.open("r+b") as log:
            for word in {word.lower().encode() for word in words}:
                place = low.find(word)
                while place >= 0:
                    log.seek(place)
                    log.write(b"x" * len(word))
                    replaced += 1
                    place = low.find(word, place + len(word))
    return replaced


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
