"""Login links: the page that uses one, and the ones printed for the demo's people."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.models import LoginLink, User

DEMO_LIVES = timedelta(days=7)


@login_not_required
@never_cache
def login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask before signing in: mail scanners open links too, and must not use them up."""
    link = LoginLink.objects.for_token(token).select_related("user").first()
    if link is None:
        return render(request, "account/link_gone.html", status=410)
    if request.method != "POST":
        return render(request, "account/link.html", {"link": link})
    if not link.use():
        return render(request, "account/link_gone.html", status=410)
    login(request, link.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return redirect(link.next_path, preserve_request=False)


def demo_links(base_url: str) -> list[tuple[str, str]]:
    """A fresh link for each of the demo's people, as (who, URL)."""
    LoginLink.objects.filter(user__is_demo=True).delete()
    people = User.objects.filter(is_demo=True, is_active=True).order_by("date_joined")
    return [
        (str(person), base_url.rstrip("/") + LoginLink.issue(person, lives=DEMO_LIVES, reusable=True))
        for person in people
    ]
