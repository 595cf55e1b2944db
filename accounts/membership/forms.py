"""Who gets which part: the one form behind the members' pages of datasets and studies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.membership.models import Part, Shared
from accounts.models import User

EVERYBODY = "all researchers"


class MemberForm(forms.Form):
    """An address, a group or everybody, and a part; an empty part takes the membership away."""

    member = forms.CharField(
        max_length=254,
        label="Who",
        help_text=f"A researcher's address, the name of a group, or “{EVERYBODY}”.",
    )
    part = forms.ChoiceField(choices=[*Part.choices, ("", "No part")], required=False)

    def __init__(self, *args: Any, subject: Shared, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject, self.by = subject, by

    def clean_member(self) -> User | Group | None:
        name = str(self.cleaned_data["member"]).strip()
        if name.casefold() == EVERYBODY:
            return None
        person = User.objects.filter(email__iexact=name, is_active=True).first()
        group = Group.objects.filter(name__iexact=name).first()
        if person is None and group is None:
            raise forms.ValidationError(
                f"There is nobody with the address “{name}” and no group of that name."
            )
        if person is not None and not person.has_perm("pool.view_image"):
            raise forms.ValidationError(f"“{name}” is a rater, who must not see which images are real.")
        return person or group

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        if self.errors:
            return
        other_owners = self.subject.memberships.filter(part=Part.OWNER).exclude(**self._which())
        if cleaned["part"] != Part.OWNER and not other_owners.exists():
            raise forms.ValidationError("Somebody has to own it: name another owner first.")

    def _which(self) -> dict[str, object]:
        member = self.cleaned_data["member"]
        return (
            {"user": None, "group": member} if isinstance(member, Group) else {"user": member, "group": None}
        )

    @transaction.atomic
    def save(self) -> str:
        """Carry it out; the sentence says what has changed."""
        member, part = self.cleaned_data["member"], self.cleaned_data["part"]
        name = str(member or EVERYBODY.capitalize())
        if part:
            self.subject.share_with(member, Part(part), by=self.by)
            return f"{name}: {Part(part).label.lower()}."
        self.subject.memberships.filter(**self._which()).delete()
        return f"{name} has no part in it any more."
