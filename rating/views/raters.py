"""Who may enter the reading room, and how those outside are told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.vary import vary_on_headers

from accounts.preferences import Preferences

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def own_language(request: HttpRequest) -> AbstractContextManager[None]:
    """The language that this rater prefers, inside this block."""
    preferences: Preferences = request.preferences  # type: ignore[attr-defined]  # `for_raters` put it there
    return translation.override(preferences.language or translation.get_language())


def for_raters(view: View[P]) -> View[P]:
    """A page for raters only."""
    return _guarded(view, "rating.rate")


def for_everybody(view: View[P]) -> View[P]:
    """A page like the raters', for whoever has signed in."""
    return _guarded(view, "")


def _guarded(view: View[P], permission: str) -> View[P]:
    """A page for raters that no browser keeps.

    A page is in the rater's own language. A script is told few words: its view asks for `own_language` where there are some.
    A script whose session is gone gets 401: a redirect to the login page would look like success to it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            if wants_json(request):
                return JsonResponse({"error": "signed out"}, status=401)
            return redirect_to_login(request.get_full_path())
        if permission and not request.user.has_perm(permission):
            raise PermissionDenied
        if not hasattr(request, "preferences"):  # on a page `PageLanguage` has put it there
            request.preferences = SimpleLazyObject(lambda: Preferences.of(request.user))  # type: ignore[attr-defined]  # for the templates
        if wants_json(request):
            return view(request, *args, **kwargs)
        get_token(request)  # its script shows the cookie with each save, though the page may have no form
        with own_language(request):
            return view(request, *args, **kwargs)

    return login_not_required(never_cache(vary_on_headers("Accept")(guarded)))
