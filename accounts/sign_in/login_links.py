"""Login links: the page that uses one, and the ones printed for the demo's people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.utils import perform_login
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import LoginLink, User
from accounts.sign_in.addresses import gets_mail
from accounts.sign_in.notices import notify
from audit import record

DEMO_LIVES = timedelta(days=7)


@login_not_required
@never_cache
def login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask before signing in: mail scanners open links too, and must not use them up."""
    link = LoginLink.objects.for_token(token).select_related("user", "made_by").first()
    if link is None:
        return render(request, "account/link_gone.html", status=410)
    if request.method != "POST":
        return render(request, "account/link.html", {"link": link})
    if not link.use():
        return render(request, "account/link_gone.html", status=410)
    if link.mailed:
        link.user.confirm_address()
    record(link.user, link.user, "used a sign-in link", made_by=str(getattr(link.made_by, "uuid", "")))
    if link.made_by is not None and link.made_by != link.user:
        _tell(link)
        messages.info(
            request,
            _("You signed in by a link that %(person)s made.") % {"person": link.made_by},
        )
    # allauth's own stages follow: whoever has a second factor is asked for it after a link, too.
    answer: HttpResponse = perform_login(request, link.user, redirect_url=link.next_path)
    return answer


def has_way_back(user: Any) -> bool:
    """Whether this person can sign in again once their link is used up; the demo's links work again and again."""
    if gets_mail(user) or user.is_demo or user.has_usable_password():
        return True
    keys = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    # A key that says it cannot sign in by itself is a second factor only; some keys do not say.
    is_any_passkey = any(key.wrap().is_passwordless is not False for key in keys)
    return is_any_passkey or bool(SocialAccount.objects.filter(user=user).exists())


def _tell(link: LoginLink) -> None:
    text = (
        f"Somebody signed in to your LungRater account by a link that {link.made_by} made on "
        f"{link.created_at:%Y-%m-%d %H:%M} UTC. If it was not you, tell the person who runs the site.\n"
    )
    notify(link.user.email, "A sign-in link of your account was used", text)


def demo_links(base_url: str) -> list[tuple[str, str]]:
    """A fresh link for each of the demo's people, as (who, URL)."""
    LoginLink.objects.filter(user__is_demo=True).delete()
    people = User.objects.filter(is_demo=True, is_active=True).order_by("date_joined")
    return [
        (str(person), base_url.rstrip("/") + LoginLink.issue(person, lives=DEMO_LIVES, reusable=True))
        for person in people
    ]
