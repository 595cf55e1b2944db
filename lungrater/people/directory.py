"""Who there is: the list of people with what their admin looks for, in as many queries for ten people as for ten thousand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from pool.canonical.guarding import guarded

IDLE_AFTER = timedelta(days=90)
STATES = {
    "active": "Active",
    "invited": "Invited, never signed in",
    "idle": "Idle for 90 days",
    "deactivated": "Deactivated",
}
FACTORS = {"none": "None", "passkey": "Passkey", "app": "Authenticator app"}
COLUMNS = ("email", "name", "role", "groups", "state", "second_factor", "last_sign_in", "came_at")


def people() -> QuerySet[User, Any]:
    """Everybody who has not been erased, each with `state`, `has_app` and `has_passkey`."""
    authenticators = Authenticator.objects.filter(user=OuterRef("pk"))
    state = Case(
        When(is_active=False, then=Value("deactivated")),
        When(last_login=None, then=Value("invited")),
        When(last_login__lt=timezone.now() - IDLE_AFTER, then=Value("idle")),
        default=Value("active"),
    )
    return (
        User.objects.filter(erased_at=None)
        .annotate(
            state=state,
            has_app=Exists(authenticators.filter(type=Authenticator.Type.TOTP)),
            has_passkey=Exists(authenticators.filter(type=Authenticator.Type.WEBAUTHN)),
        )
        .prefetch_related("groups")
        .order_by("email")
    )


class PeopleFilter(forms.Form):
    """What to look for; anything it does not understand it leaves out."""

    q = forms.CharField(
        label="Name or address", required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    role = forms.ChoiceField(choices=[("", "Any role"), *Role.choices], required=False)
    group = forms.CharField(required=False)
    state = forms.ChoiceField(choices=[("", "Any"), *STATES.items()], required=False)
    factor = forms.ChoiceField(label="Second factor", choices=[("", "Any"), *FACTORS.items()], required=False)

    def people(self) -> QuerySet[User, Any]:
        self.is_valid()
        chosen: dict[str, str] = self.cleaned_data
        rows = people()
        for word in chosen.get("q", "").split():
            rows = rows.filter(
                Q(email__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
            )
        if chosen.get("group"):
            rows = rows.filter(groups__name__iexact=chosen["group"].strip())
        rows = rows.filter(**{name: chosen[name] for name in ("role", "state") if chosen.get(name)})
        factors = {
            "none": {"has_app": False, "has_passkey": False},
            "app": {"has_app": True},
            "passkey": {"has_passkey": True},
        }
        return rows.filter(**factors.get(chosen.get("factor", ""), {}))


def csv_lines(rows: QuerySet[User, Any]) -> Iterator[str]:
    """These people as a table, a line at a time."""
    yield _line(COLUMNS)
    for person in rows.iterator(chunk_size=500):
        factors = [name for name, has in (("passkey", person.has_passkey), ("app", person.has_app)) if has]
        yield _line(
            [
                guarded(person.email),
                guarded(person.get_full_name()),
                person.role,
                guarded(", ".join(group.name for group in person.groups.all())),
                person.state,
                " and ".join(factors),
                person.last_login.isoformat() if person.last_login else "",
                person.date_joined.isoformat(),
            ]
        )


def _line(cells: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
