"""Erasing a person: identity, sign-in, mail and the words that name them; ratings stay, under a pseudonym."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models, transaction

from accounts.erasure import erase_account
from accounts.models import User
from accounts.roles import Role
from accounts.sign_in.events import ADDRESS_CHANGED
from audit import record
from audit.actors import PERSON
from audit.models import Event
from audit.redaction import erase_identity, redact
from lungrater.privacy.traces import overwrite_in_logs, traces_in_tables
from pool.uploads.staging import drop_uploads_of
from rating.models import Enrolment
from rating.reading.erasure import erase_rater
from rating.results.cache import forget

ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
ERASED = "erased a person"  # as the log names it


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was taken away; `traces` is where a name or an address still stands in what others wrote, by column."""

    events: int
    remarks: int
    log_lines: int
    traces: dict[str, int]

    @property
    def sentence(self) -> str:
        done = (
            f"The person is erased: {self.events} texts of the log, {self.remarks} remarks and {self.log_lines} places in "
            "log files named them. Their ratings stay, under their pseudonyms."
        )
        if not self.traces:
            return f"{done} No text of any table names them any more."
        places = ", ".join(f"{column} ({count})" for column, count in self.traces.items())
        return f"{done} What others wrote still names them in {places}; change it there."


class ErasureForm(forms.Form):
    """The address typed by hand, and a reason; page and command alike."""

    address = forms.CharField(max_length=254, strip=True)
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It is kept in the log for good: leave the person's name and address out.",
    )

    def __init__(self, *args: Any, person: User, by: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.by = person, by
        self.fields["address"].label = f"Type “{person.email}”"

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if address.casefold() != self.person.email.casefold():
            raise forms.ValidationError("That is not this person's address.")
        return address

    def clean_reason(self) -> str:
        reason = str(self.cleaned_data["reason"])
        if any(word.casefold() in reason.casefold() for word in naming_words(self.person)):
            raise forms.ValidationError(
                "The reason is kept for good: leave the name and the address out of it."
            )
        return reason

    def clean(self) -> None:
        super().clean()
        if self.person.erased_at:
            raise forms.ValidationError("This person is erased already.")
        if self.by is not None and self.by.pk == self.person.pk:
            raise forms.ValidationError("Nobody erases themselves: ask another admin.")
        other_admins = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=self.person.pk)
        if self.person.role == Role.ADMIN and not other_admins.exists():
            raise forms.ValidationError("This is the only admin: make another one first.")

    def save(self) -> Erasure:
        return erase(self.person, by=self.by, reason=self.cleaned_data["reason"])


def naming_words(person: User) -> list[str]:
    """What names this person in a text: the address and the full name where there is one, and what they were before."""
    words = (person.email, person.get_full_name(), *_former_names(person))
    return [word for word in dict.fromkeys(words) if word]


def _former_names(person: User) -> list[str]:
    """As the log still has them: where the person acted, and where an admin changed the address."""
    acts = Event.objects.by(person).filter(actor_kind=PERSON)
    identities = list(acts.values_list("identity", flat=True).distinct())
    changes = Event.objects.about(person).filter(action=ADDRESS_CHANGED).values_list("reason", flat=True)
    # The first line has the two addresses; what follows are the admin's words, which may name others.
    texts = identities + [reason.partition("\n")[0] for reason in changes]
    addresses = {address for text in texts for address in ADDRESS.findall(text)}
    return sorted({text.rpartition("<")[0].strip() for text in identities} | addresses)


def erase(person: User, *, by: Any, reason: str) -> Erasure:
    """Take away all that says who this person is, and say what that was. The log keeps that it was done, not of whom."""
    words = naming_words(person)
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=person.pk)
        studies = list(Enrolment.objects.filter(user=person).values_list("study", flat=True))
        remarks = erase_rater(person, words, by=by, reason=reason)
        events = erase_identity(person.uuid, by=by, reason=reason, addresses=tuple(words))
        events += redact(Event.objects.filter(_reasons_with(words)), "reason", by=by, reason=reason)
        drop_uploads_of(person)
        erase_account(person)
        record(person, by, ERASED, reason=reason)
        traces = traces_in_tables(words)
    for study in studies:  # computed results quote the profile; they are made again from what stands
        forget(study)
    return Erasure(events, remarks, overwrite_in_logs(words), traces)


def _reasons_with(words: list[str]) -> models.Q:
    condition = models.Q()
    for word in words:
        condition |= models.Q(reason__icontains=word)
    return condition
