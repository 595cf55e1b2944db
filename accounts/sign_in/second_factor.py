"""A second factor where the site requires one of a role: until when to set it up, and the page that waits after that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.site_settings import SiteSettings

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Where one sets it up, signs in and out, or reads who to ask; allauth's pages ask for what they need by themselves.
OPEN = frozenset(
    {
        *(
            "second_factor",
            "account",
            "login_link",
            "privacy_notice",
            "livez",
            "readyz",
            "healthz",
            "metrics",
        ),
        *("prove_by_code", "nothing_to_prove_with"),
    }
)
OPEN_PREFIXES = ("account_", "mfa_", "usersessions_", "socialaccount_", "openid_connect_")
# These open by a token alone, which only a page that has been asked for here hands out. An answer on its way is taken.
BEHIND_A_TOKEN = frozenset({"rating:presented", "rating:presented_of_set", "rating:rate"})


@dataclass(frozen=True, slots=True)
class Due:
    """That this person has to set up a second factor, and until when."""

    until: datetime

    @property
    def is_over(self) -> bool:
        return self.until <= timezone.now()


def second_factor_due(request: HttpRequest) -> Due | None:
    """What this person still has to set up; None where nothing is required, or all of it is there.

    Whoever came in by the identity provider has been asked by it for whatever its house requires.
    """
    person: Any = request.user
    settings = SiteSettings.recent()
    if not settings.requires_second_factor_of(person) or came_by_identity_provider(request):
        return None
    if Authenticator.objects.filter(user=person, type__in=FACTORS).exists():
        return None
    return Due(settings.grace_ends_at(person))


def came_by_identity_provider(request: HttpRequest) -> bool:
    methods = request.session.get("account_authentication_methods", [])
    return any(method.get("method") == "socialaccount" for method in methods)


class SecondFactorRule:
    """Nothing but its set-up opens once the days for it are over; before that each page says the date."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not request.user.is_authenticated or _is_open(name):
            return None
        due = second_factor_due(request)
        request.second_factor_due = due  # type: ignore[attr-defined]  # for the banner of the base template
        if due is None or not due.is_over:
            return None
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return JsonResponse({"error": _("Set up a second factor first.")}, status=403)
        if request.headers.get("HX-Request"):  # a fragment asks the page to go there
            return HttpResponse(status=204, headers={"HX-Redirect": reverse("second_factor")})
        return redirect("second_factor")


def _is_open(name: str) -> bool:
    return name in OPEN or name in BEHIND_A_TOKEN or name.startswith(OPEN_PREFIXES)


@never_cache
@require_safe
def second_factor(request: HttpRequest) -> HttpResponse:
    """Why nothing else opens, and the two ways to set it up, neither of which needs mail."""
    return render(request, "account/second_factor.html", {"due": second_factor_due(request)})
