"""Two database roles: the owner of all tables, who migrates and restores, and the site's own, which owns nothing.

What guards the trail are triggers, and a trigger can be disabled by the owner of its table: so web, workers and beat
must not be that owner.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection
from psycopg.sql import SQL, Identifier, Literal

from lungrater.embedded.urls import database_url, owner_url
from lungrater.environment import env

# Tables whose rows only ever come, and the columns that a redaction empties (their triggers say when it may).
APPEND_ONLY = {
    "audit_event": ("identity", "identity_nonce", "reason", "reason_nonce"),
    "rating_ratingrevision": (
        *("remark", "remark_nonce", "reason", "reason_nonce"),
        *("second_texts", "second_texts_nonce"),
    ),
}
LOGIN = ("USER", "PASSWORD", "HOST", "PORT")


def become_owner() -> None:
    """Let this process connect as the owner from now on, in every thread; for tests and benches."""
    connection.close()
    connection.settings_dict.update(_owner_settings(connection.settings_dict))


@contextlib.contextmanager
def as_owner() -> Iterator[None]:
    """Inside this block, this thread's connection is the owner's."""
    site = connection.settings_dict
    if owner_url() == database_url() or _owner_settings(site) == {
        key: site[key] for key in (*LOGIN, "OPTIONS")
    }:
        yield
        return
    connection.close()
    connection.settings_dict = {**site, **_owner_settings(site)}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = site


def _owner_settings(site: dict[str, Any]) -> dict[str, object]:
    owner = env.db_url_config(owner_url())
    options = {**site["OPTIONS"], **owner.get("OPTIONS", {})}
    return {**{key: owner[key] for key in LOGIN}, "OPTIONS": options}


def grant_to_site() -> bool:
    """Give the site's role what it needs of the tables as they are now. False where it owns them: then nothing guards."""
    site = env.db_url_config(database_url())
    role = Identifier(site["USER"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        if cursor.fetchone() == (site["USER"],):
            return False
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [site["USER"]])
        if cursor.fetchone() is None:
            words = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}"
            cursor.execute(SQL(words).format(role, Literal(site["PASSWORD"])))
        for words in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
            "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {}",
        ):
            cursor.execute(SQL(words).format(role))
        present = connection.introspection.table_names(cursor)
        for table in APPEND_ONLY.keys() & set(present):
            columns = SQL(", ").join(map(Identifier, APPEND_ONLY[table]))
            cursor.execute(
                SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(Identifier(table), role)
            )
            cursor.execute(SQL("GRANT UPDATE ({}) ON {} TO {}").format(columns, Identifier(table), role))
    return True
