"""Each request: what its log lines carry, how long it took, and, where logs are JSON, one line when it is answered."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from lungrater.logs import log_context
from lungrater.monitoring.metrics import request_seconds

logger = logging.getLogger(__name__)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class Requests:
    """Stands before all others. A view's name takes the place of its path, which may hold a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """What goes wrong in the view is logged with its name, and with the word for the person."""
        match = request.resolver_match
        (log_context.get() or {}).update({"view": match.view_name if match else "none"}, **_person(request))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        marks = {"request": secrets.token_hex(8)}
        before = log_context.set(marks)
        try:
            response = self.get_response(request)
            seconds = time.perf_counter() - begun
            match = request.resolver_match
            view = match.view_name if match and match.view_name else "none"
            method = request.method if request.method in METHODS else "other"
            request_seconds.labels(view, method, response.status_code).observe(seconds)
            if logger.isEnabledFor(logging.INFO):
                marks.update(_person(request))
                words = {
                    "view": view,
                    "method": method,
                    "status": response.status_code,
                    "seconds": round(seconds, 4),
                }
                logger.info("answered", extra=words)
            return response
        finally:
            log_context.reset(before)


def _person(request: HttpRequest) -> dict[str, str]:
    """Whoever asked, by a word that only this site's secret key could make; nobody is looked up for it."""
    user = getattr(request, "_cached_user", None)
    key = getattr(user, "pk", None)
    return {} if key is None else {"person": salted_hmac("lungrater log", str(key)).hexdigest()[:12]}
