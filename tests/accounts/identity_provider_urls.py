"""The pages of the tests' identity provider, and the groups it tells of a person."""

from __future__ import annotations

from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.urls import include, path


class GroupsAdapter(DefaultOIDCAdapter):  # type: ignore[misc]  # allauth ships no types
    def get_claims(self, purpose: Any, user: Any, client: Any, scopes: Any, **more: Any) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_claims(purpose, user, client, scopes, **more)
        return {**claims, "groups": [group.name for group in user.groups.all()]}


urlpatterns = [
    path("", include("allauth.idp.urls")),
    path("accounts/", include("allauth.account.urls")),
]
