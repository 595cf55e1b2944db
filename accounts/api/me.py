"""Who a token is of, and what it may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Router, Schema

from accounts.api.access import Access, TokenRequest
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
def me(request: TokenRequest) -> Any:
    """The person and the token of this very request."""
    token, person = request.auth, request.auth.user
    return {
        "uuid": person.uuid,
        "name": str(person),
        "email": person.email,
        "role": person.role,
        "scopes": token.scopes,
        "token": token.name,
        "token_expires_at": token.expires_at,
    }
