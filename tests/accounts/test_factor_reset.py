"""The only admin has lost the phone: a command on the server takes the second factor away, and says so everywhere."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import LoginLink, User
from accounts.roles import Role
from audit.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def locked_out(admin: User) -> User:
    TOTP.activate(admin, generate_totp_secret())
    return admin


def reset(address: str, **options: Any) -> str:
    output = StringIO()
    call_command("person", address, reset_second_factor=True, by="", base_url="", stdout=output, **options)
    return output.getvalue().strip()


def test_the_factor_goes_the_log_says_why_and_the_person_is_told(
    locked_out: User, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        reset(locked_out.email, reason="The phone is lost.")

    event = Event.objects.get(action="took a second factor away")
    assert not Authenticator.objects.exists()
    assert (event.actor_kind, event.reason) == ("command line", "The phone is lost.")
    assert event.subject_key == str(locked_out.uuid)
    [message] = mail.outbox
    assert message.to == [locked_out.email]
    assert "system user" in message.body


def test_the_link_it_prints_lets_the_admin_in(locked_out: User, client: Client) -> None:
    link = reset(locked_out.email, reason="The phone is lost.")

    client.post(link.removeprefix("http://localhost:8000"))

    assert client.session["_auth_user_id"] == str(locked_out.pk)
    assert client.get(reverse("people")).status_code == 200


def test_the_link_it_prints_voids_the_ones_not_used_yet(locked_out: User, client: Client) -> None:
    lost = LoginLink.issue(locked_out, lives=timedelta(days=14))

    reset(locked_out.email, reason="The phone is lost.")

    assert client.post(lost).status_code == 410


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({}, "--reason"), ({"reason": "Lost.", "address": "nobody@example.org"}, "nobody with the address")],
)
def test_nothing_is_taken_without_a_reason_or_a_person(
    locked_out: User, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        reset(**{"address": locked_out.email, **options})

    assert Authenticator.objects.exists()
    assert not User.objects.filter(email="nobody@example.org").exists()


def test_whoever_has_none_is_said_to_have_none(admin: User) -> None:
    with pytest.raises(CommandError, match="has none"):
        reset(admin.email, reason="The phone is lost.")

    assert admin.role == Role.ADMIN


def test_a_person_is_made_with_a_role_only(admin: User) -> None:
    with pytest.raises(CommandError, match="--role"):
        call_command("person", "new@example.org", stdout=StringIO())
