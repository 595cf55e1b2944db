"""A create that is sent twice creates once: the second gets the first one's answer (Idempotency-Key)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.responses import NinjaJSONEncoder, Status

from accounts.api.problems import ProblemError
from accounts.api.signatures import sign_as
from accounts.tokens.models import IdempotentRequest

HEADER = "Idempotency-Key"
LONGEST = 100
Operation = Callable[..., Any]


def once(answers: type[Schema], status: int = 201) -> Callable[[Operation], Operation]:
    """Let the operation, which gives an `answers` with this status, act once for each key of a person.

    The row of the key is written first: of two at once the second waits for the first one's commit, and then reads its
    answer. Where the first one fails all of it is undone, the row too, and trying again is a first time.
    """

    def decorate(operation: Operation) -> Operation:
        @wraps(operation)
        def act_once(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            key = request.headers.get(HEADER, "")
            if not key:
                return Status(status, operation(request, *args, **kwargs))
            if len(key) > LONGEST or not key.isprintable():
                raise ProblemError(422, f"{HEADER}: at most {LONGEST} printable characters.")
            row = _claimed(request, key, _fingerprint(request, kwargs))
            if not row.status:
                content = answers.model_validate(operation(request, *args, **kwargs), from_attributes=True)
                row.status, row.content = status, json.dumps(content.model_dump(), cls=NinjaJSONEncoder)
                row.save(update_fields=["status", "content"])
            return HttpResponse(row.content, status=row.status, content_type="application/json")

        sign_as(act_once, operation)
        return act_once

    return decorate


def _claimed(request: HttpRequest, key: str, fingerprint: str) -> IdempotentRequest:
    rows = IdempotentRequest.objects.filter(user=request.user.pk)
    rows.over().delete()
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(
                user_id=request.user.pk or 0, key=key, fingerprint=fingerprint
            )
    except IntegrityError:
        row = rows.get(key=key)
    if row.fingerprint != fingerprint:
        raise ProblemError(409, f"This {HEADER} has been used for another request.")
    return row


def _fingerprint(request: HttpRequest, kwargs: dict[str, object]) -> str:
    """Of all that was asked: address, body, and the bytes of each file."""
    hashed = hashlib.sha256(f"{request.method} {request.path}".encode())
    for name in sorted(kwargs):
        value = kwargs[name]
        content = value.model_dump(mode="json") if isinstance(value, Schema) else str(value)
        hashed.update(json.dumps([name, content], sort_keys=True).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            hashed.update(f"{name} {file.name}".encode())
            for piece in file.chunks():
                hashed.update(piece)
            file.seek(0)
    return hashed.hexdigest()
