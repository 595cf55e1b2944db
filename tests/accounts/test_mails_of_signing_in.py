"""Codes and links that people ask for by mail: in the site's name, and in words where no mail leaves."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import SiteSettings, User
from accounts.preferences import Preferences

pytestmark = pytest.mark.django_db
ASKED_FOR = ("account_request_login_code", "account_reset_password")


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_message: EmailMessage, *_: Any, **__: Any) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailMessage, "send", refused)


@pytest.mark.usefixtures("silent_server")
@pytest.mark.parametrize("page", ASKED_FOR)
@pytest.mark.parametrize("known", [True, False])
def test_a_mail_that_does_not_leave_is_said_alike_of_every_address(
    client: Client, rater: User, page: str, known: bool
) -> None:
    answer = client.post(reverse(page), {"email": rater.email if known else "nobody@example.org"})

    assert answer.status_code == 503
    assert "The mail server does not answer" in answer.content.decode()


@pytest.mark.usefixtures("silent_server")
def test_a_proof_whose_code_did_not_leave_asks_for_none(client: Client, admin: User) -> None:
    client.force_login(admin)

    answer = client.post(reverse("prove_by_code"), {"send": "1"})
    again = client.get(reverse("prove_by_code"))

    assert answer.status_code == 503
    assert "is on its way" not in again.content.decode()


@pytest.mark.parametrize("page", ASKED_FOR)
def test_these_mails_name_the_site_and_whom_to_ask(client: Client, rater: User, page: str) -> None:
    SiteSettings(pk=1, name="Lungs of Ulm", contact="Ada, room 4").save()

    client.post(reverse(page), {"email": rater.email})

    (message,) = mail.outbox
    assert message.subject.startswith("[Lungs of Ulm] ")
    assert message.body.rstrip().endswith("-- \nLungs of Ulm\nAda, room 4")
    assert "Thank you" not in message.body


def test_these_mails_speak_the_language_of_their_person(client: Client, rater: User) -> None:
    Preferences.objects.create(user=rater, language="de")

    client.post(reverse("account_reset_password"), {"email": rater.email}, headers={"accept-language": "en"})

    assert "Passwort" in mail.outbox[0].subject


def test_an_unknown_address_is_told_of_invitations_and_not_of_signing_up(client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})

    (message,) = mail.outbox
    assert "There is no account of this address." in message.body
    assert reverse("account_signup") not in message.body


def test_a_password_that_was_just_set_leads_to_signing_in(client: Client) -> None:
    page = client.get(reverse("account_reset_password_from_key_done")).content.decode()

    assert f'class="button primary" href="{reverse("account_login")}"' in page
