"""Who may call an operation: a bearer token with the scope, of a person with the permission."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja.errors import Throttled
from ninja.security import HttpBearer
from ninja.throttling import SimpleRateThrottle

from accounts.api.problems import ProblemError
from accounts.sign_in.second_factor import second_factor_due
from accounts.tokens.digest import digest
from accounts.tokens.models import PersonalToken, Scope

ACT_HEADER = "Act-Token"
ACT_NEEDED = "/api/v1/problems/act-token-needed"  # the `type` of its problem
REALM = {"WWW-Authenticate": 'Bearer realm="LungRater"'}
BY_PROVIDER = "socialaccount"


class TokenRequest(HttpRequest):
    """A request that Access has let in: Ninja lays there what `authenticate` gave."""

    auth: PersonalToken


class TokenRate(SimpleRateThrottle):
    """So many requests a minute for a token; made anew for each request, as it keeps what it counted."""

    def __init__(self, token: PersonalToken) -> None:
        super().__init__(settings.API_RATE)
        self.token = token

    def get_cache_key(self, request: HttpRequest) -> str:
        return f"api-rate-{self.token.pk}"


class Access(HttpBearer):
    """Opens an operation to tokens of this scope; the request is their person's from there on."""

    def __init__(self, scope: Scope, *permissions: str) -> None:
        super().__init__()
        self.scope, self.permissions = scope, permissions

    def __call__(self, request: HttpRequest) -> Any:
        """A session opens nothing here, so that no other site can make a browser act."""
        granted = super().__call__(request)
        if granted is None:
            raise ProblemError(401, _why_not(request), headers=REALM)
        return granted

    def authenticate(self, request: HttpRequest, token: str) -> PersonalToken | None:
        row = (
            PersonalToken.objects.for_secret(token).filter(is_act_token=False).select_related("user").first()
        )
        if row is None:
            return None
        request.user = row.user
        _limit(request, row)
        row.note_use()
        self._check(request, row)
        return row

    def _check(self, request: HttpRequest, token: PersonalToken) -> None:
        if self.scope not in token.scopes:
            raise ProblemError(403, f"This token may not do that: it lacks the scope “{self.scope.value}”.")
        due = None if token.proof == BY_PROVIDER else second_factor_due(request)
        if due is not None and due.is_over:
            raise ProblemError(403, "Set up a second factor first; this site asks for one.")
        if not all(token.user.has_perm(permission) for permission in self.permissions):
            raise PermissionDenied


def _why_not(request: HttpRequest) -> str:
    """Whoever holds the secret of a token may know what became of it."""
    secret = request.headers.get("Authorization", "").rpartition(" ")[2]
    ended = PersonalToken.objects.filter(digest=digest(secret), is_act_token=False).first()
    if ended is not None and ended.state != "valid":
        return f"This token is {ended.state}: make another one on your account page."
    return "Send a valid token as “Authorization: Bearer …”; tokens are made on your account page."


def _limit(request: HttpRequest, token: PersonalToken) -> None:
    rate = TokenRate(token)
    if not rate.allow_request(request):
        wait = rate.wait()
        raise Throttled(wait=None if wait is None else int(wait) + 1)


def proof_for_act(request: HttpRequest, *, needs_proof: bool = False) -> str:
    """How the person behind an act token has proved who they are. Raises ProblemError where there is none.

    needs_proof: as for a signature, which the demo's people, who can prove nothing, cannot give.
    """
    secret = request.headers.get(ACT_HEADER, "")
    row = PersonalToken.objects.for_secret(secret).filter(is_act_token=True, user=request.user.pk).first()
    if row is None or (needs_proof and not row.proof):
        raise ProblemError(
            403,
            f"This asks who you are: send the header “{ACT_HEADER}” with a token that you make for it on your account "
            "page, after proving again who you are. It is valid for ten minutes.",
            kind=ACT_NEEDED,
        )
    row.note_use()
    return row.proof
