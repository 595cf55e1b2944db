"""Whom to invite: addresses in a field, or a table of them with each person's language."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.sign_in.addresses import clean_address

MOST_ROWS, MOST_BYTES = 1000, 256 * 1024
ADDRESS_COLUMNS = ("email", "address")


@dataclass(frozen=True, slots=True)
class Invitee:
    """An address, and the language a new person is written to in; empty as the site has it."""

    email: str
    language: str = ""


class InvitationForm(forms.Form):
    emails = forms.CharField(
        label="Email addresses",
        required=False,
        help_text="One per line. Each new person becomes a rater and gets a link that works once, for 14 days.",
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
    )
    table = forms.FileField(
        label="Or a table of them",
        required=False,
        help_text="CSV with a column email and, where wanted, a column language (en, de or ar), for people who are new.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_emails(self) -> list[Invitee]:
        parts = self.cleaned_data["emails"].replace(",", "\n").split()
        return [Invitee(clean_address(part)) for part in parts]

    def clean_table(self) -> list[Invitee]:
        upload = self.cleaned_data["table"]
        if not upload:
            return []
        if upload.size > MOST_BYTES:
            raise ValidationError(f"The table is larger than {MOST_BYTES // 1024} kB.")
        try:
            text = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValidationError("The table is not UTF-8 text: save it as “CSV UTF-8”.") from error
        invitees, faults = read_invitees(text)
        if faults:
            raise ValidationError(faults)
        return invitees

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        if not self.errors and not (cleaned.get("emails") or cleaned.get("table")):
            raise ValidationError("Give at least one address.")

    def invitees(self) -> list[Invitee]:
        """Each person once, as they stand first; the table, which may name a language, before the field."""
        by_email: dict[str, Invitee] = {}
        for invitee in (*self.cleaned_data["table"], *self.cleaned_data["emails"]):
            by_email.setdefault(invitee.email, invitee)
        return list(by_email.values())


def read_invitees(text: str) -> tuple[list[Invitee], list[str]]:
    """The people of a table, and in sentences by line what cannot be read; commas or semicolons part its cells."""
    try:
        return _invitees(text)
    except csv.Error as error:  # a cell that never ends, as behind a quotation mark that none closes
        return [], [f"The table is no CSV: {error}."]


def _invitees(text: str) -> tuple[list[Invitee], list[str]]:
    head = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",")
    names = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    column = next((names[name] for name in ADDRESS_COLUMNS if name in names), None)
    if column is None:
        return [], ["The table has no column “email”."]
    invitees: list[Invitee] = []
    faults: list[str] = []
    for line, row in _lines(rows):
        if line > MOST_ROWS + 1:
            return [], [f"The table has more than {MOST_ROWS} people: split it."]
        try:
            language = _language(row.get(names.get("language", "")) or "")
            invitees.append(Invitee(clean_address(row.get(column) or ""), language))
        except ValidationError as error:
            faults.append(f"Line {line}: {' '.join(error.messages)}")
    return invitees, faults


def _lines(rows: csv.DictReader[str]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Each row that holds anything, with its line, the header's being the first."""
    for line, row in enumerate(rows, start=2):
        if any(isinstance(cell, str) and cell.strip() for cell in row.values()):
            yield line, row


def _language(text: str) -> str:
    code = text.strip().lower()
    if code and code not in dict(settings.LANGUAGES):
        offered = ", ".join(code for code, _name in settings.LANGUAGES)
        raise ValidationError(f"“{text.strip()}” is none of the site's languages ({offered}).")
    return code
