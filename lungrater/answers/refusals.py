"""Acts that were refused, in the log by a transaction of their own: the request's has been rolled back by then."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from audit import record
from rating.reading.revision_chain import RatingsDifferError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Parts of an address that name a thing; others may be tokens, which no log holds.
NAMES = frozenset({"slug", "pk", "number", "name"})
CONFLICT = 409


class Refusals:
    """Writes who was refused what. Of a page that is only not there (GET, 404) nothing is kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RatingsDifferError):
            _keep(request, why="ratings differ")
            return render(request, "rating/ratings_differ.html", {"sentence": exception}, status=CONFLICT)
        is_hidden = isinstance(exception, Http404) and request.method not in SAFE
        if isinstance(exception, PermissionDenied) or is_hidden:
            _keep(request, why="not allowed" if not is_hidden else "nothing there for them")
        return None


def _keep(request: HttpRequest, *, why: str) -> None:
    if not request.user.is_authenticated or request.resolver_match is None:
        return
    names = {key: str(value) for key, value in request.resolver_match.kwargs.items() if key in NAMES}
    record(
        None,
        request.user,
        "was refused",
        method=request.method,
        page=request.resolver_match.view_name,
        of=names,
        why=why,
    )
