"""A person who has just proved who they are."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from accounts.models import User

PASSWORD = "a long enough secret of mine"


def with_password(person: User) -> User:
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    return person


def prove(browser: Client) -> None:
    """By the password of `with_password`."""
    answer = browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert answer.status_code == 302
