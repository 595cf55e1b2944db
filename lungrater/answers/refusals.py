"""Acts that were refused, in the log by a transaction of their own: the request's has been rolled back by then."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.template.loader import render_to_string

from audit import record
from pool.storage.stored_files import LostFileError, placeholder_png
from rating.reading.revision_chain import RatingsDifferError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Parts of an address that name a thing; others may be tokens, which no log holds.
NAMES = frozenset({"slug", "pk", "number", "name"})
BAD_REQUEST, CONFLICT, GONE = 400, 409, 410
NOT_STORED = {"Cache-Control": "private, no-store"}


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
        if isinstance(exception, LostFileError):
            return _lost(request, exception)
        if isinstance(
            exception, UnreadablePostError
        ):  # the client went away, or was too slow: no fault of ours
            return HttpResponse(status=BAD_REQUEST, headers=NOT_STORED)
        is_hidden = isinstance(exception, Http404) and request.method not in SAFE
        if isinstance(exception, PermissionDenied) or is_hidden:
            _keep(request, why="not allowed" if not is_hidden else "nothing there for them")
        return None


def _lost(request: HttpRequest, error: LostFileError) -> HttpResponse:
    """A row is there and its file is not: where an image was to be shown one that says so, else the sentence."""
    if request.headers.get("Accept", "").startswith("image/"):
        return HttpResponse(placeholder_png(), content_type="image/png", status=GONE, headers=NOT_STORED)
    return HttpResponse(render_to_string("503.html", {"sentence": error}), status=GONE, headers=NOT_STORED)


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
