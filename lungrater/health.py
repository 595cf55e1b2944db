"""`/healthz`: whether database, broker and at least one worker answer, in less than a second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import lru_cache

from celery import current_app
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from kombu.exceptions import OperationalError
from redis import RedisError

from lungrater.embedded import redis

# A worker answers within milliseconds; this is how long a busy machine may take before it counts as gone.
WORKER_ANSWERS_WITHIN = 0.5


@login_not_required
@never_cache
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when everything answers, else 503 with the names of what is missing."""
    missing = list(missing_parts())
    return JsonResponse({"ok": not missing, "missing": missing}, status=503 if missing else 200)


def missing_parts() -> Iterator[str]:
    if not database_answers():
        yield "database"
    if not redis.answers(settings.CELERY_BROKER_URL):
        yield from ("broker", "worker")
    elif not _some_worker_answers(int(time.monotonic())):
        yield "worker"


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
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
