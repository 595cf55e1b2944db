"""Acting as the database role that web, workers and beat use, which owns nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import connection
from psycopg.sql import SQL, Identifier

from lungrater.embedded.home import SITE_ROLE


@contextlib.contextmanager
def as_site() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(SQL("SET ROLE {}").format(Identifier(SITE_ROLE)))
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")
