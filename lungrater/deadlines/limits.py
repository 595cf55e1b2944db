"""How long this site waits for others: every connection it makes ends, whatever the other side does.

Someone who is gone refuses a connection at once; someone who is frozen, or behind a dropped route, says nothing for
ever. These are the bounds for that; requests to foreign servers have theirs in `outbound`.
"""

from __future__ import annotations

from typing import TypedDict

from lungrater.environment import env


class S3Retries(TypedDict):
    total_max_attempts: int
    mode: str


class S3Deadlines(TypedDict):
    """As botocore's Config takes them."""

    connect_timeout: float
    read_timeout: float
    retries: S3Retries
    tcp_keepalive: bool


BROKER_SECONDS = 5.0
# kombu asks the broker for the next bell for one second at a time, so that an idle worker never meets this bound.
BROKER_DEADLINES: dict[str, float] = {
    "socket_connect_timeout": 2.0,
    "socket_timeout": BROKER_SECONDS,
    "socket_keepalive": True,
}
# For each step of the talk with a mail server; the talk as a whole has its bound in lungrater/deadlines/mail.py.
MAIL_SECONDS = 10.0
S3_DEADLINES: S3Deadlines = {
    "connect_timeout": 3.0,
    "read_timeout": 15.0,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
    "tcp_keepalive": True,
}
# What is read of a file beyond this many bytes waits on the disk, not in memory.
S3_MEMORY = 2**24
# What a client sends of a request comes at this rate at least, a telephone's on a bad line, or is not waited for.
REQUEST_BYTES_PER_SECOND = 2000
# And takes an answer at this rate at least: 2 MB in a quarter of an hour.
ANSWER_BYTES_PER_SECOND = 2000
DATABASE_CONNECT_SECONDS = 5
# TCP gives an unanswered database up after this; it says nothing about one that answers slowly.
DATABASE_SILENT_SECONDS = 20
PREPARED_AT_ONCE = 0


def database(url: str, *, is_web: bool) -> dict[str, object]:
    """Django's description of the database. For web requests the server itself ends what takes too long.

    PgBouncer in transaction mode takes no start-up options, no server-side cursors and no prepared statements:
    DATABASE_POOLED leaves them out, and `ALTER ROLE … SET statement_timeout` does the first one's work there.
    """
    by_url = env.db_url_config(url)
    config = {
        **by_url,
        "ENGINE": "lungrater.database",
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    options = {
        "connect_timeout": DATABASE_CONNECT_SECONDS,
        "tcp_user_timeout": 1000 * DATABASE_SILENT_SECONDS,
        **by_url.get("OPTIONS", {}),
    }
    is_pooled = env.bool("DATABASE_POOLED", default=False)
    # Of the queries of accounts/prepared_query.py, which alone ask for it.
    options["prepare_threshold"] = None if is_pooled else PREPARED_AT_ONCE
    if is_web and not is_pooled:
        options["options"] = " ".join(filter(None, [options.get("options"), *web_limits()]))
    if is_web:
        config["ANSWER_WITHIN"] = statement_seconds() + DATABASE_CONNECT_SECONDS
    return {**config, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": is_pooled}


def statement_seconds() -> float:
    return float(env.float("WEB_STATEMENT_SECONDS", default=30.0))


def request_seconds() -> float:
    """How long a request may be on its way without keeping to the rate."""
    return float(env.float("WEB_REQUEST_SECONDS", default=30.0))


def web_limits() -> list[str]:
    """PostgreSQL's own bounds for a page: one statement's time, and a transaction's between two statements."""
    idle = float(env.float("WEB_IDLE_IN_TRANSACTION_SECONDS", default=120.0))
    return [
        f"-c statement_timeout={round(1000 * statement_seconds())}",
        f"-c idle_in_transaction_session_timeout={round(1000 * idle)}",
    ]
