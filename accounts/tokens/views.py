"""The page of a person's tokens, reached from “Your account”: made and revoked after proving again who one is."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.sign_in.identity_proof import proofs_of, require_proof_of_people
from accounts.tokens.forms import TokenForm
from accounts.tokens.models import ACT_LIVES, PersonalToken

# Raters have nothing to do there: their part of the site is the reading room.
may_use = permission_required("rating.view_study", raise_exception=True)


@may_use
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    require_proof_of_people(request)
    form = TokenForm(request.POST or None, person=request.user)
    if request.method == "POST" and form.is_valid():
        token, secret = form.save(proof=_proof(request))
        return _page(request, TokenForm(person=request.user), token=token, secret=secret)
    return _page(request, form)


@may_use
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def act_token(request: HttpRequest) -> HttpResponse:
    """A token for the acts that ask again who one is, valid for minutes. Where signing in again leads back by GET: the list."""
    require_proof_of_people(request)
    if request.method != "POST":
        return redirect("tokens")
    token, secret = PersonalToken.issue_for_acts(request.user, proof=_proof(request))
    return _page(request, TokenForm(person=request.user), token=token, secret=secret)


@may_use
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Also without a fresh proof: whoever fears that a token is out must be able to end it at once."""
    token = get_object_or_404(PersonalToken.objects.listed_for(request.user), pk=pk)
    token.revoke(by=request.user)
    messages.success(request, f"The token “{token.name}” opens nothing any more.")
    return redirect("tokens")


def _proof(request: HttpRequest) -> str:
    return next((str(proof["method"]) for proof in reversed(proofs_of(request))), "")


def _page(
    request: HttpRequest, form: TokenForm, *, token: PersonalToken | None = None, secret: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "tokens": PersonalToken.objects.listed_for(request.user),
        "new_token": token,
        "secret": secret,
        "act_minutes": round(ACT_LIVES.total_seconds() / 60),
    }
    return render(request, "account/tokens.html", context, status=422 if form.errors else 200)
