"""Headers of every answer: nothing that belongs to a person is stored on the way or in their browser, nor shown elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

NOT_STORED = "private, no-store"


class Headers:
    """What a view says of its own caching stands; files that never change under their address say so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # By the cookie: who that is need not be looked up for it.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", NOT_STORED)
        return response
