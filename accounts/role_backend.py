"""Answers permission questions from a person's role.

Apart from `roles`, because the user model needs the roles and this needs the user model.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied

from accounts.models import User
from accounts.roles import PERMISSIONS


class RoleBackend(BaseBackend):
    """Answers `user.has_perm` from the user's role."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        return set(PERMISSIONS[user_obj.role])

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Raises PermissionDenied, which ends the question: no other backend asks the database what a role does not allow."""
        allowed = super().has_perm(user_obj, perm, obj)
        if not allowed and obj is None:
            raise PermissionDenied
        return allowed

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
