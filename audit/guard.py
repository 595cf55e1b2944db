"""Whether the database itself keeps the site from changing its own log."""

from __future__ import annotations

from django.db import connection

UNGUARDED = (
    "The site's database role owns the log, so whoever holds it can switch the guards off: set DATABASE_OWNER_URL to the "
    "owner and DATABASE_URL to a role that owns nothing, then run “lungrater migrate”."
)


def is_guarded() -> bool:
    """True where this process's role neither owns the log's table nor may act as who does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = 'audit_event'::regclass"
        )
        (owns,) = cursor.fetchone()
    return not owns
