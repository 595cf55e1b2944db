"""“Your account”: one page for every role, with what there is to sign in with and where one is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.views import PasswordSetView
from allauth.mfa.models import Authenticator
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.models import LoginLink
from accounts.people.preferences_form import preferences_form
from accounts.sign_in.addresses import gets_mail, mail_is_set_up
from accounts.sign_in.identity_proof import require_proof_of_people

LINKS_SHOWN = 10

View = Callable[..., HttpResponse]


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    factors = Authenticator.objects.filter(user=request.user.pk).values_list("type", flat=True)
    links = LoginLink.objects.filter(user=request.user.pk).select_related("made_by").order_by("-created_at")
    context = {
        "factors": set(factors),
        "links": links[:LINKS_SHOWN],
        "gets_mail": gets_mail(request.user),
        "preferences": preferences_form(request.user),
        "has_password": request.user.is_authenticated and request.user.has_usable_password(),
    }
    return render(request, "account/account.html", context)


def by_mail(view: View) -> View:
    """What begins with a mail begins nowhere where none is sent: the page says how to come in instead."""

    @wraps(view)
    @login_not_required
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not mail_is_set_up():
            return render(request, "account/no_mail.html", status=404)
        return view(request, *args, **kwargs)

    return page


def after_proof(view: View) -> View:
    """A second factor is a means of proof itself: whoever has none yet gets a code into the mailbox first, where mail reaches them.

    Whoever has one is asked for it by the view.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if gets_mail(request.user):
            require_proof_of_people(request)
        return view(request, *args, **kwargs)

    return page


def set_password(request: HttpRequest) -> HttpResponse:
    """A first password goes by the mailbox, so that a link in wrong hands does not become an account in them.

    Where no mail reaches this person there is no mailbox to go by; then it is set here.
    """
    if gets_mail(request.user):
        return redirect("account_reset_password")
    answer: HttpResponse = PasswordSetView.as_view()(request)
    return answer
