"""Who is about to do what cannot be undone proves again who they are: a session left open is anybody's.

Password and second factors are allauth's own pages. Whoever has neither gets a code into the mailbox; where no mail is
sent, a page says how to set one up, and leads back.
"""

from __future__ import annotations

import time
from typing import Any, TypedDict

from allauth.account import app_settings
from allauth.account.adapter import get_adapter

# allauth offers its own check as a decorator only, and takes people who can prove nothing for proven.
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.internal.flows.reauthentication import (
    STATE_SESSION_KEY,
    get_reauthentication_flows,
    resume_request,
)
from allauth.account.utils import get_next_redirect_url, passthrough_next_redirect_url
from allauth.account.views import BaseReauthenticateView
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.cryptokit import compare_user_code
from allauth.core.internal.httpkit import authenticated_user
from django import forms
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods

CODE = "identity_code"


class Proof(TypedDict):
    """One of the times that somebody proved who they are, as allauth records it."""

    method: str
    at: float


def require_proof(request: HttpRequest) -> None:
    """Send this person to prove who they are, unless they did within minutes. Raises ReauthenticationRequired."""
    if is_proven(request):
        return
    if request.method == "POST":
        # allauth keeps what was typed, GET's part too, but goes on with it only at an address without a query.
        request.META = {**request.META, "QUERY_STRING": ""}
    else:
        # Whoever only looks goes on with nothing that was typed before, be it by somebody else at a session left open.
        request.session.pop(STATE_SESSION_KEY, None)
    raise ReauthenticationRequired


def require_proof_of_people(request: HttpRequest) -> None:
    """The same, but the demo's made-up people come in by a link that anybody may use again: they have nothing to prove."""
    if not getattr(request.user, "is_demo", False) or get_reauthentication_flows(request.user):
        require_proof(request)


def is_proven(request: HttpRequest) -> bool:
    proofs = proofs_of(request)
    return bool(proofs) and time.time() - proofs[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


def proofs_of(request: HttpRequest) -> list[Proof]:
    """How this person has proved who they are since signing in, first to last."""
    records = get_authentication_records(request, request.user)
    return [record for record in records if record.get("reauthenticated")]


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_lazy("Code"), max_length=20, widget=forms.TextInput(attrs={"autocomplete": "one-time-code"})
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_code(self) -> str:
        pending = self.request.session.get(CODE)
        if pending is None or time.time() - pending["at"] > app_settings.LOGIN_BY_CODE_TIMEOUT:
            raise forms.ValidationError(_("The code is out of date; have a new one sent."))
        typed: str = self.cleaned_data["code"]
        if compare_user_code(actual=typed, expected=pending["code"]):
            return typed
        pending["attempts"] += 1
        if pending["attempts"] < app_settings.LOGIN_BY_CODE_MAX_ATTEMPTS:
            self.request.session[CODE] = pending
        else:
            del self.request.session[CODE]
        raise forms.ValidationError(_("That is not the code."))


class ProveByCode(BaseReauthenticateView):  # type: ignore[misc]  # allauth ships no types
    """A code goes to the person's own mailbox when they ask for it, and is typed here."""

    form_class = CodeForm
    template_name = "account/prove_by_code.html"

    def get_form_kwargs(self) -> dict[str, object]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, object]:
        return {**super().get_context_data(**kwargs), "is_sent": CODE in self.request.session}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "send" not in request.POST:
            answer: HttpResponse = super().post(request, *args, **kwargs)
            return answer
        adapter = get_adapter()
        code = adapter.generate_login_code()
        adapter.send_mail("account/email/login_code", authenticated_user(request).email, {"code": code})
        request.session[CODE] = {"code": code, "at": time.time(), "attempts": 0}
        form = CodeForm(request=request)
        page: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return page

    def form_valid(self, form: CodeForm) -> HttpResponse:
        del self.request.session[CODE]
        record_authentication(self.request, self.request.user, method="code", reauthenticated=True)
        authenticated_user(self.request).confirm_address()
        answer: HttpResponse = super().form_valid(form)
        return answer


@require_http_methods(["GET", "HEAD", "POST"])
def nothing_to_prove_with(request: HttpRequest) -> HttpResponse:
    """Where no mail is sent, and this person has neither password nor second factor: how to get one, and on with what was typed."""
    if request.method == "POST" and is_proven(request):
        answer: HttpResponse = resume_request(request) or redirect("home")
        return answer
    where_to = get_next_redirect_url(request)
    if where_to and is_proven(request) and STATE_SESSION_KEY not in request.session:
        return redirect(where_to)  # nothing was typed that a button has to send
    method = get_adapter().get_reauthentication_methods(request.user)[0]
    if method["url"] != request.path and not is_proven(request):  # they have got one since
        return redirect(passthrough_next_redirect_url(request, method["url"], REDIRECT_FIELD_NAME))
    context = {"next": where_to, "is_proven": is_proven(request)}
    return render(request, "account/nothing_to_prove_with.html", context)
