"""How an admin, who sees people and operations only, takes a part in what is somebody's: with a reason its owners read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from accounts.forms import ReasonForm
from accounts.membership.models import Part, Shared
from accounts.sign_in.identity_proof import require_proof_of_people
from accounts.sign_in.notices import notify
from audit import record


def ask_to_join(request: HttpRequest, subject: Shared, *, back: str, joined: str) -> HttpResponse:
    """The page that asks for the reason, and once it is there the way on to `joined`."""
    require_proof_of_people(request)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    owners = subject.owners()
    if form.is_valid():
        join(subject, request.user, form.cleaned_data["reason"])
        return HttpResponseRedirect(joined)
    context = {"subject": subject, "form": form, "owners": owners, "back": back}
    return render(request, "account/join.html", context, status=422 if form.errors else 200)


def join(subject: Shared, person: Any, reason: str) -> None:
    """Make this person an owner; the log and the owners' mail say so, and why."""
    owners = subject.owners()
    subject.share_with(person, Part.OWNER, by=person)
    record(subject, person, "made themselves an owner", reason=reason)
    _tell(owners, str(subject), str(person), reason)


def _tell(owners: list[Any], name: str, person: str, reason: str) -> None:
    for owner in owners:
        notify(
            owner.email,
            f"{person} has joined “{name}” as an owner",
            f"An admin made themselves an owner of “{name}”, which is yours.\n\nReason: {reason}\n",
        )
