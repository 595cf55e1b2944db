"""Inviting people to the site, one or many: each with a role, each refused row with its reason."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.mail import EmailMessage
from django.db import transaction

from accounts.mailing import Mailing
from accounts.models import LoginLink, SiteSettings, User
from accounts.roles import Role
from accounts.sign_in.addresses import clean_address, gets_mail
from audit import record

logger = logging.getLogger(__name__)

LIVES = timedelta(days=14)
MOST_BYTES = 2**20
MOST_ROWS = 1000
NAMES = {str(name).casefold(): Role(value) for value, label in Role.choices for name in (value, label)}


@dataclass(slots=True)
class Invited:
    """A person, and how the link comes to them: `url` only where no mail reaches them."""

    person: User
    url: str = ""
    is_sent: bool = False


class InviteForm(forms.Form):
    """Addresses typed by hand, or a table with the columns email, and if wanted name and role."""

    emails = forms.CharField(
        label="Addresses",
        required=False,
        help_text="One per line.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    table = forms.FileField(
        label="Or a CSV file",
        required=False,
        help_text="Columns: email, and where you have them name and role. At most 1,000 rows.",
    )
    role = forms.ChoiceField(
        choices=Role.choices, initial=Role.RATER, help_text="For addresses, and rows without a role."
    )

    def clean_table(self) -> list[dict[str, str]]:
        table: UploadedFile[bytes] | None = self.cleaned_data["table"]
        if table is None:
            return []
        if (table.size or 0) > MOST_BYTES:
            raise forms.ValidationError("The file is larger than a megabyte; this is no list of people.")
        try:
            text = table.read().decode("utf-8-sig")
            rows = [_plain(row) for row in csv.DictReader(io.StringIO(text, newline=""))]
        except (UnicodeDecodeError, csv.Error) as error:
            raise forms.ValidationError("The file is not a CSV in UTF-8.") from error
        if len(rows) > MOST_ROWS:
            raise forms.ValidationError(f"The file has {len(rows):,} rows; at most {MOST_ROWS:,} at a time.")
        if rows and "email" not in rows[0]:
            raise forms.ValidationError("The file has no column “email”.")
        return rows

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        if not self.errors and not cleaned["emails"].strip() and not cleaned["table"]:
            raise forms.ValidationError("Type an address, or choose a file.")

    def rows(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Each row with what to call it: the address typed, or the line of the file."""
        for address in self.cleaned_data["emails"].replace(",", "\n").split():
            yield address, {"email": address}
        for number, row in enumerate(self.cleaned_data["table"], start=2):
            yield f"Row {number}", row

    def invite(self, *, by: User, absolute: Callable[[str], str]) -> tuple[list[Invited], list[str]]:
        """Everybody who can be invited, each in a transaction of its own, and a sentence for each row that cannot."""
        invited, refused, mailing = [], [], Mailing()
        for name, row in self.rows():
            try:
                with transaction.atomic():
                    person, path = self._add(row, by=by)
            except ValidationError as error:
                refused.append(f"{name}: {' '.join(error.messages)}")
            else:
                invited.append(deliver(person, absolute(path), mailing))
        return invited, refused

    def _add(self, row: dict[str, str], *, by: User) -> tuple[User, str]:
        address = clean_address(row.get("email", ""))
        role = NAMES.get((row.get("role") or self.cleaned_data["role"]).casefold())
        if role is None:
            raise ValidationError(f"“{row['role']}” is no role; there are {', '.join(Role.values)}.")
        if User.objects.filter(email__iexact=address).exists():
            raise ValidationError("has an account already; a new link and another role stand on their page.")
        first, _, last = row.get("name", "").strip().rpartition(" ")
        person = User(email=address, role=role, first_name=first, last_name=last)
        person.set_unusable_password()
        person.full_clean(exclude=["password"])
        person.save()
        record(person, by, "invited a person", role=role)
        return person, link_for(person, by=by)


def _plain(row: dict[str | Any, Any]) -> dict[str, str]:
    return {str(name).strip().casefold(): str(value or "").strip() for name, value in row.items() if name}


def link_for(person: User, *, by: User, reason: str = "") -> str:
    """The path of a fresh link; that it was made, by whom and why, stands in the log."""
    record(person, by, "made a sign-in link", reason=reason)
    return LoginLink.issue(person, lives=LIVES, made_by=by)


def deliver(person: User, url: str, mailing: Mailing | None = None) -> Invited:
    """Mail the link to its person; where no mail reaches them, it is the admin's to hand over.

    Links made before it and not used yet are void once it is on its way: who has lost one, or sent it astray, asks for
    another. Not those made after it, so that of two at once the later one opens.
    """
    fresh = LoginLink.objects.at(url)
    earlier = person.login_links.filter(pk__lt=fresh.values("pk")[:1])
    if not gets_mail(person):
        earlier.void()
        return Invited(person, url)
    site = SiteSettings.current()
    maker = next((f" that {link.made_by} made" for link in fresh if link.made_by), "")
    text = (
        f"You have an account at {site.name}, as {person.get_role_display().lower()}.\n\n"
        f"The link{maker} signs you in, once within {LIVES.days} days:\n{url}\n\n{site.mail_ending}"
    )
    try:
        (mailing or Mailing()).send(EmailMessage(f"Your account at {site.name}", text, to=[person.email]))
    except OSError:  # SMTP's own errors are such too
        logger.exception("an invitation could not be sent")
        fresh.void()  # nobody has it; what was made before stays
        return Invited(person)
    earlier.void()
    LoginLink.mark_mailed(url)
    return Invited(person, is_sent=True)
