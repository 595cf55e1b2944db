"""What an admin does to one person's account, each a form that says why not, and each an event."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.db import transaction

from accounts.people.roles_form import RoleForm, is_last_admin
from accounts.roles import Role
from accounts.sign_in.addresses import gets_mail
from accounts.sign_in.notices import notify
from audit import record
from audit.actors import actor_of
from lungrater.people.act_form import ActForm, end_sessions
from lungrater.people.details import DetailsForm


class RoleAct(ActForm):
    """What the `person` command fills, with a reason."""

    title, button = "Role", "Change the role"
    role = forms.ChoiceField(choices=Role.choices)
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"role": self.person.role}

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        self.role_form = RoleForm({"role": cleaned.get("role")}, person=self.person)
        if not self.errors and not self.role_form.is_valid():
            self.add_error("role", self.role_form.sentence)

    def save(self) -> str:
        is_new = self.role_form.save(by=self.by, reason=self.cleaned_data["reason"])
        return (
            f"{self.person} is {self.person.get_role_display().lower()} now."
            if is_new
            else "It was so already."
        )


class LinkAct(ActForm):
    """A fresh link: to the mailbox, or, where no mail reaches it, shown once to the admin, who says why."""

    title, button = "Sign-in link", "Make a new link"
    words = "Works once, for 14 days. Links made before that nobody has used work no longer."
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not gets_mail(self.person)

    def clean(self) -> None:
        super().clean()
        if not self.person.is_active:
            raise forms.ValidationError("The account is deactivated; activate it first.")


class ActiveAct(ActForm):
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "Deactivate" if self.person.is_active else "Activate again"
        self.button, self.is_grave = self.title, self.person.is_active
        if self.person.is_active:
            self.words = "Signed out everywhere, and no link or password lets them in; what they did stays."

    def clean(self) -> None:
        super().clean()
        if self.person == self.by:
            raise forms.ValidationError("Nobody deactivates their own account; ask another admin.")
        if is_last_admin(self.person):
            raise forms.ValidationError(f"{self.person} is the last admin: name another one first.")

    @transaction.atomic
    def save(self) -> str:
        self.person.is_active = not self.person.is_active
        self.person.save(update_fields=["is_active"])
        if self.person.is_active:
            record(self.person, self.by, "activated an account", reason=self.cleaned_data["reason"])
            return f"{self.person} can sign in again."
        end_sessions(self.person)
        self.person.login_links.void()
        record(self.person, self.by, "deactivated an account", reason=self.cleaned_data["reason"])
        return f"{self.person} is signed out everywhere and cannot sign in; what they did stays."


class FactorAct(ActForm):
    """For whoever has lost the device and the recovery codes."""

    title, button, is_grave = "Second factor", "Take the second factor away", True
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> None:
        super().clean()
        if not Authenticator.objects.filter(user=self.person).exists():
            raise forms.ValidationError(f"{self.person} has none.")

    @transaction.atomic
    def save(self) -> str:
        Authenticator.objects.filter(user=self.person).delete()
        end_sessions(self.person)
        reason = self.cleaned_data["reason"]
        record(self.person, self.by, "took a second factor away", reason=reason)
        notify(
            self.person.email,
            "Your second factor was taken away",
            f"{actor_of(self.by).identity} took away the second factor of your LungRater account, passkeys included, "
            f"and ended its sessions.\n\nReason: {reason}\n\n"
            "If you did not ask for it, tell the person who runs the site.\n",
        )
        return (
            f"{self.person} signs in without a second factor, passkeys included, until a new one is set up."
        )


ACTS: dict[str, type[ActForm]] = {
    "details": DetailsForm,
    "role": RoleAct,
    "link": LinkAct,
    "active": ActiveAct,
    "factor": FactorAct,
}
