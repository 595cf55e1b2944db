"""The answer to a request whose body came too slowly: 408, whatever the page has made of the half there was."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _


class SlowRequests:
    """Asks the connection: by itself half a form would be refused for what it lacks, its proof against forgery say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request.META.get("gunicorn.socket"), "ran_out", False):
            return response
        response.close()
        words = _("Go back, load the page again and repeat what you did.")
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=408)
