"""The one way into an operation: no session, one transaction, undone wherever the answer is a problem."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.api.problems import ProblemError
from audit import record

View = Callable[..., HttpResponseBase]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NAMES = frozenset({"slug", "pk", "number", "name"})  # parts of an address that name a thing


def behind_the_door(pattern: URLPattern, *, in_pieces: frozenset[str] = frozenset()) -> URLPattern:
    """The same address; `in_pieces` names those whose work is committed piece by piece, whatever comes after."""
    pattern.callback = _door(pattern.callback, in_one=pattern.name not in in_pieces)
    return pattern


def _door(view: View, *, in_one: bool) -> View:
    @wraps(view)
    def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not in_one:
            response = view(request, *args, **kwargs)
        else:
            with transaction.atomic():
                response = view(request, *args, **kwargs)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
        if response.status_code == 405:
            allowed = {"Allow": response.get("Allow", "")}
            return ProblemError(405, f"This address takes {allowed['Allow']}.", headers=allowed).response()
        refusal = getattr(response, "refusal", None)
        if refusal is None:
            _note_refusal(request, response.status_code)
        else:
            record(refusal.subject, request.user, "was refused", act=refusal.act, reason=refusal.reason)
        return response

    return csrf_exempt(login_not_required(transaction.non_atomic_requests(never_cache(enter))))


def _note_refusal(request: HttpRequest, status: int) -> None:
    """As of the pages: what was refused, and what was changed that is not there for them; of mere reading nothing."""
    match = request.resolver_match
    is_hidden = status == 404 and request.method not in SAFE
    if not (status in {403, 409} or is_hidden) or match is None or not request.user.is_authenticated:
        return
    names = {key: str(value) for key, value in match.kwargs.items() if key in NAMES}
    why = {403: "not allowed", 404: "nothing there for them"}.get(status, "not possible")
    record(None, request.user, "was refused", method=request.method, page=match.view_name, of=names, why=why)
