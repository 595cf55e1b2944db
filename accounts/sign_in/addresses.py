"""Addresses of people: one way to read them, so that no two people look the same."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

# Ends the address of whoever has no mailbox: nobody can have one there (RFC 2606).
NO_MAILBOX = ".invalid"
RECRUITED_DOMAIN = f"recruited{NO_MAILBOX}"
CANNOT_SEND = ("dummy.EmailBackend", "console.EmailBackend")


def clean_address(text: str) -> str:
    """The address in small letters. Raises ValidationError, also for one with letters nobody can see."""
    address = text.strip().lower()
    if not address.isprintable():
        raise ValidationError(f"“{address}” holds characters that cannot be seen; type it by hand.")
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError(f"“{address}” is not an email address.") from error
    return address


def mail_is_set_up() -> bool:
    """Whether mail leaves this machine; without EMAIL_URL it does not."""
    return not settings.EMAIL_BACKEND.endswith(CANNOT_SEND)


def gets_mail(person: Any) -> bool:
    return mail_is_set_up() and bool(person.has_mailbox)
