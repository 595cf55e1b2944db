"""`/healthz`: whether database, broker and at least one worker answer, in less than a second."""

from __future__ import annotations

import time
from functools import lru_cache

from celery import current_app
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from lungrater.servers import redis

# A worker answers within milliseconds; this is how long a busy machine may take before it counts as gone.
WORKER_ANSWERS_WITHIN = 0.5


@login_not_required
@never_cache
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when everything answers, else 503 with the names of what is missing."""
    missing = list(missing_parts(int(time.monotonic())))
    return JsonResponse({"ok": not missing, "missing": missing}, status=503 if missing else 200)


@lru_cache(maxsize=1)
def missing_parts(_second: int) -> tuple[str, ...]:
    """Asked at most once a second, so that nobody can keep the workers busy with answering."""
    missing = [] if database_answers() else ["database"]
    if not redis.answers(settings.CELERY_BROKER_URL):
        return (*missing, "broker", "worker")
    return (*missing, *([] if workers_that_answer(limit=1) else ["worker"]))


def database_answers() -> bool:
    try:
        connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def workers_that_answer(*, limit: int | None = None) -> list[str]:
    """Node names of the workers that answer a ping; returns as soon as `limit` have."""
    replies = current_app.control.ping(timeout=WORKER_ANSWERS_WITHIN, limit=limit)
    return [name for reply in replies for name in reply]
