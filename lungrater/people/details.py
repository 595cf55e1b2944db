"""Who a person is: name, address and groups, changed by an admin with a reason."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import LoginLink, User
from accounts.sign_in.addresses import clean_address
from accounts.sign_in.events import ADDRESS_CHANGED
from accounts.sign_in.notices import notify
from audit import record
from audit.actors import actor_of
from lungrater.people.act_form import ActForm


class DetailsForm(ActForm):
    """A new address is told to the old one; nobody has confirmed it, and links that went to the old one are void."""

    title, button = "Name, address and groups", "Save"
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.CharField(max_length=254, label="Address")
    groups = forms.CharField(
        max_length=500,
        required=False,
        help_text="Names, separated by commas; a new name makes a group. A group can have a part in studies and datasets.",
    )
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {
            "first_name": self.person.first_name,
            "last_name": self.person.last_name,
            "email": self.person.email,
            "groups": ", ".join(group.name for group in self.person.groups.all()),
        }

    def clean_email(self) -> str:
        address = clean_address(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=address).exclude(pk=self.person.pk).exists():
            raise forms.ValidationError(f"Somebody else has the address {address}.")
        return address

    def clean_groups(self) -> list[str]:
        names = [name.strip() for name in str(self.cleaned_data["groups"]).split(",")]
        if any(len(name) > 150 for name in names):
            raise forms.ValidationError("A group's name has at most 150 letters.")
        if any(names) and not self.person.has_perm("pool.view_image"):
            raise forms.ValidationError(f"{self.person} is a rater, who has no part in studies or datasets.")
        return [name for name in dict.fromkeys(names) if name]

    @transaction.atomic
    def save(self) -> str:
        reason = self.cleaned_data["reason"]
        self.person.first_name, self.person.last_name = (
            self.cleaned_data["first_name"],
            self.cleaned_data["last_name"],
        )
        self.person.save(update_fields=["first_name", "last_name"])
        names = self.cleaned_data["groups"]
        groups = [
            Group.objects.filter(name__iexact=name).first() or Group.objects.create(name=name)
            for name in names
        ]
        self.person.groups.set(groups)
        record(
            self.person,
            self.by,
            "changed a person",
            reason=reason,
            groups=[group.name for group in groups],
            fields=[name for name in self.changed_data if name != "reason"],
        )
        self._change_address(reason)
        return "Saved."

    def _change_address(self, reason: str) -> None:
        before, address = self.person.email, self.cleaned_data["email"]
        if address == before:
            return
        self.person.email, self.person.address_confirmed_at = address, None
        self.person.save(update_fields=["email", "address_confirmed_at"])
        EmailAddress.objects.filter(user=self.person).delete()
        LoginLink.objects.filter(user=self.person, used_at=None).delete()
        # Both addresses stand in the reason, not in the detail: a reason can be redacted when the person is erased.
        record(self.person, self.by, ADDRESS_CHANGED, reason=f"{before} → {address}\n{reason}")
        notify(
            before,
            "The address of your account was changed",
            f"{actor_of(self.by).identity} changed the address of your LungRater account from {before} to {address}.\n\n"
            f"Reason: {reason}\n\nIf this is not right, tell the person who runs the site.\n",
        )
