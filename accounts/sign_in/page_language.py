"""Which language a page is in: a rater's own, else the browser's; the pages of researchers and admins are in English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from accounts.preferences import Preferences
from accounts.sign_in.second_factor import BEHIND_A_TOKEN


class PageLanguage:
    """Before signing in, what the browser prefers or was chosen in the footer stands, as Django's own middleware left it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        is_page = request.get_preferred_type(["text/html", "application/json"]) == "text/html"
        if not is_page or name in BEHIND_A_TOKEN or not request.user.is_authenticated:
            return  # an image has no language, and a script is told few words
        if not request.user.has_perm("rating.rate"):
            translation.activate("en")
            return
        request.preferences = SimpleLazyObject(lambda: Preferences.of(request.user))  # type: ignore[attr-defined]  # for the templates
        if language := request.preferences.language:  # type: ignore[attr-defined]  # set above
            translation.activate(language)
