"""Programs that call the API: a test client that sends a person's token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import PersonalToken, User
from accounts.tokens.models import Scope

EVERY_SCOPE = [scope.value for scope in Scope]


def caller(person: User, *scopes: str, lives: timedelta = timedelta(days=1)) -> Client:
    """A program with a token of this person; with every scope unless some are named."""
    _token, secret = PersonalToken.issue(
        person, name="a test", lives=lives, scopes=list(scopes) or EVERY_SCOPE, proof="password"
    )
    return Client(headers={"authorization": f"Bearer {secret}"})


def act_header(person: User, *, proof: str = "password") -> dict[str, str]:
    """The header of a token for acts that ask again who acts."""
    return {"act-token": PersonalToken.issue_for_acts(person, proof=proof)[1]}


def post(program: Client, address: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return program.post(address, body or {}, content_type="application/json", headers=named)
