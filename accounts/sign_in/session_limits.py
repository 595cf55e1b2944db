"""Whoever may see the truth does not stay signed in on a screen left alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

BEGAN, LAST = "staff_began", "staff_last"
WRITE_EVERY = 60.0


class SessionLimits:
    """Idle and absolute limits for researchers and admins; raters keep their place, their page locks by itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.has_perm("pool.view_image"):
            self._look_at_the_clock(request)
        return self.get_response(request)

    def _look_at_the_clock(self, request: HttpRequest) -> None:
        now = time.time()
        began, last = request.session.get(BEGAN, now), request.session.get(LAST, now)
        idle, age = settings.STAFF_IDLE.total_seconds(), settings.STAFF_SESSION.total_seconds()
        if now - last > idle or now - began > age:
            logout(request)
            messages.info(
                request, _("You were signed out because nothing was done for a while. Sign in again.")
            )
        elif BEGAN not in request.session or (now - last > WRITE_EVERY and not _is_poll(request)):
            request.session[BEGAN], request.session[LAST] = began, now


def _is_poll(request: HttpRequest) -> bool:
    """Whether the page asked by itself: htmx fetches fragments here only "every" so often, never on a click."""
    return request.method in {"GET", "HEAD"} and "HX-Request" in request.headers
