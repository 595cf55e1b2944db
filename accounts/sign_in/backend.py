"""Who has signed in, read by a query that is made once: each request asks for its own person."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import BigIntegerField

from accounts.models import User
from accounts.prepared_query import Parameter, PreparedQuery

BY_KEY = PreparedQuery(lambda: User.objects.filter(pk=Parameter("pk", BigIntegerField()), is_active=True))


class SignInBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth's types are not all there
    def get_user(self, user_id: int) -> User | None:
        return BY_KEY.first(pk=user_id)
