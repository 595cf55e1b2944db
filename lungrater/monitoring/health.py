"""Three questions of those who watch the site, each in less than a second.

`/livez`: does this process serve? `/readyz`: can ratings be taken here? `/healthz`: does all of it work? Only the
first two are for what restarts processes or sends visitors elsewhere: without a broker the reading room is open.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import lru_cache

from celery import current_app
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from kombu.exceptions import OperationalError
from redis import RedisError

from jobs import disk_space
from lungrater.embedded import redis
from lungrater.embedded.migrate import newer_migrations, tables_are_up_to_date
from lungrater.monitoring.site_state import SiteState, site_state
from pool.storage.durability import why_not_durable

# A worker answers within milliseconds; this is how long a busy machine may take before it counts as gone.
WORKER_ANSWERS_WITHIN = 0.5


@login_not_required
@never_cache
@transaction.non_atomic_requests
def livez(request: HttpRequest) -> JsonResponse:
    """200 while this process serves; it asks nobody."""
    return JsonResponse({"ok": True})


@login_not_required
@never_cache
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> JsonResponse:
    """200 while ratings can be taken, else 503 with what stands in the way."""
    return _answer(list(what_stops_ratings()))


@login_not_required
@never_cache
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when everything works, else 503 with the names of what is missing; and numbers for whoever watches."""
    missing = list(missing_parts())
    state = None if "database" in missing else _state(int(time.monotonic()))
    if state is not None:
        missing += [part for part in state.missing if part not in missing]
    return _answer(missing, **({} if state is None else state.as_json()))


def _answer(missing: list[str], **more: object) -> JsonResponse:
    status = 503 if missing else 200
    return JsonResponse({"ok": not missing, "missing": missing, **more}, status=status)


def what_stops_ratings() -> Iterator[str]:
    try:
        if newer_migrations():
            yield "code as new as the database"
        elif not _tables_were_up_to_date and not _look_at_tables():
            yield "tables up to date"
        if reason := why_not_durable():
            yield reason
    except Error:
        yield "database"


_tables_were_up_to_date = False


def _look_at_tables() -> bool:
    """Once they are up to date they stay so for the code that runs; only until then they are looked at again."""
    global _tables_were_up_to_date  # noqa: PLW0603  (a fact about this process, learned once)
    _tables_were_up_to_date = tables_are_up_to_date()
    return _tables_were_up_to_date


def missing_parts() -> Iterator[str]:
    if not database_answers():
        yield "database"
    if not redis.answers(settings.CELERY_BROKER_URL):
        yield from ("broker", "worker")
    elif not _some_worker_answers(int(time.monotonic())):
        yield "worker"
    if disk_space.shortage():
        yield "disk"


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def workers_that_answer(*, limit: int | None = None) -> list[str]:
    """Node names of the workers that answer a ping; returns as soon as `limit` have, empty without a broker."""
    for _ in range(
        2
    ):  # a pooled connection may be one that a broker restart has cut; it mends itself when used
        with contextlib.suppress(OSError, RedisError, OperationalError):
            replies = current_app.control.ping(timeout=WORKER_ANSWERS_WITHIN, limit=limit)
            return [name for reply in replies or [] for name in reply]
    return []


@lru_cache(maxsize=1)
def _some_worker_answers(_second: int) -> bool:
    """Asked at most once a second, so that nobody can keep the workers busy with answering."""
    return bool(workers_that_answer(limit=1))


@lru_cache(maxsize=1)
def _state(_second: int) -> SiteState | None:
    try:
        return site_state()
    except Error:
        return None
