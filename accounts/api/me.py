"""Who a token is of, and what it may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.tokens.models import Scope

router = Router(tags=["You"])


class Me(Schema):
    uuid: UUID
    name: str
    email: str
    role: str
    scopes: list[Scope]
    token: str
    token_expires_at: datetime


@router.get("/me", response=Me, auth=Access(Scope.READ))
def me(request: HttpRequest) -> Any:
    """The person and the token of this very request."""
    token: Any = request.token  # type: ignore[attr-defined]  # set by Access
    person = token.user
    return {
        "uuid": person.uuid,
        "name": str(person),
        "email": person.email,
        "role": person.role,
        "scopes": token.scopes,
        "token": token.name,
        "token_expires_at": token.expires_at,
    }
