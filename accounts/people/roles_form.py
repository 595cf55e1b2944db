"""Giving a person a role: the one form behind the page, the `person` command and the identity provider's groups."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from accounts.roles import Role
from audit import record


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_role(self) -> Role:
        role, person = Role(self.cleaned_data["role"]), self.person
        if role == person.role:
            return role
        if role != Role.RATER and person.enrolments.exists():
            raise forms.ValidationError(
                f"{person} rates in a study; whoever rates must not see which images are real."
            )
        if role == Role.RATER and person.last_login and person.has_perm("pool.view_image"):
            raise forms.ValidationError(
                f"{person} has been able to see which images are real, so must not rate; "
                "invite raters who have not."
            )
        if is_last_admin(person):
            raise forms.ValidationError(f"{person} is the last admin: name another one first.")
        return role

    @property
    def sentence(self) -> str:
        """Why the role cannot be given."""
        return " ".join(map(str, self.errors.get("role", [])))

    def save(self, *, by: Any, reason: str = "", source: str = "") -> bool:
        """Store and record a change; False where the role was this one already."""
        role = self.cleaned_data["role"]
        if role == self.person.role:
            return False
        detail = {"role": role, "before": self.person.role} | ({"source": source} if source else {})
        self.person.role = role
        self.person.save(update_fields=["role"])
        record(self.person, by, "changed a role", reason=reason, **detail)
        return True


def is_last_admin(person: User) -> bool:
    """Whether nobody would be left to look after people and settings."""
    if person.role != Role.ADMIN or not person.is_active:
        return False
    return not User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=person.pk).exists()
