"""What an organiser does to one rater of a study; pages and programs alike. Each act says in a sentence what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db import transaction

from accounts.sign_in.addresses import clean_address
from rating.models import Enrolment, Sitting, Study
from rating.studies.study import NotPossibleError

Values = Mapping[str, object]


class ReplacementForm(forms.Form):
    email = forms.CharField(label="Email of the new rater")

    def clean_email(self) -> str:
        return clean_address(str(self.cleaned_data["email"]))


def _reset(enrolment: Enrolment, values: Values, by: Any) -> str:
    """Start a rater's current session over."""
    sitting = Sitting.objects.current(enrolment.user, enrolment.study)
    if sitting is None:
        raise NotPossibleError("This rater has no order yet: freeze the study first.")
    sitting.reset(by, str(values.get("reason", "")))
    return f"{enrolment} starts over in a new order; what was rated is kept and marked."


def _withdraw(enrolment: Enrolment, values: Values, by: Any) -> str:
    enrolment.withdraw(by, str(values.get("reason", "")))
    return f"{enrolment} reads no more; the ratings are kept and count no more."


def _mark_unblinded(enrolment: Enrolment, values: Values, by: Any) -> str:
    enrolment.mark_unblinded(by, str(values.get("reason", "")))
    return f"The sittings of {enrolment} are marked unblinded and left out."


def _replace(enrolment: Enrolment, values: Values, by: Any) -> str:
    """Enrol somebody for the block of a rater who has withdrawn."""
    if by is not None and not Study.objects.filled_by(by).filter(pk=enrolment.study_id).exists():
        raise NotPossibleError(
            "Researchers see pseudonyms only in this study: an administrator enrols who takes the place."
        )
    form = ReplacementForm(dict(values.items()))
    if not form.is_valid():
        raise NotPossibleError("Give the email address of the new rater.")
    email = form.cleaned_data["email"]
    users = get_user_model().objects
    user = users.filter(email__iexact=email).first() or users.create_user(email)
    new = enrolment.replace(user, by=by)
    return f"{new} reads what {enrolment} had; invite {email} to send a link."


ACTS: Mapping[str, Callable[[Enrolment, Values, Any], str]] = {
    "reset": _reset,
    "withdraw": _withdraw,
    "replace": _replace,
    "mark_unblinded": _mark_unblinded,
}
EVEN_WHEN_OVER = frozenset({"mark_unblinded"})


@transaction.atomic
def act_on_rater(enrolment: Enrolment, name: str, values: Values, *, by: Any) -> str:
    """Carry this act out. Raises NotPossibleError."""
    if enrolment.study.is_over and name not in EVEN_WHEN_OVER:
        raise NotPossibleError("The study is closed: its raters stand as they are.")
    return ACTS[name](enrolment, values, by)
