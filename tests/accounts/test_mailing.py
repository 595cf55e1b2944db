"""Mails to many people: a server that keeps each waiting keeps nobody waiting for the sum of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from rating.models import ReadingSchedule
from rating.studies.outreach.reminders import send_reminders
from tests.accounts.proof import prove, with_password
from tests.rating.cast import frozen_study, open_study

pytestmark = pytest.mark.django_db
ADDRESSES = [f"person{number}@example.org" for number in range(8)]


class SilentServer(BaseEmailBackend):
    """One that is given up after half a minute, each time; the clock is the test's own."""

    letters = count()
    seconds = 0.0

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        next(type(self).letters)
        type(self).seconds += 30.0
        raise OSError("silent")


@pytest.fixture
def letters(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many letters the silent server was offered so far."""
    monkeypatch.setattr(SilentServer, "letters", count())
    monkeypatch.setattr(SilentServer, "seconds", 0.0)
    monkeypatch.setattr("accounts.mailing.monotonic", lambda: SilentServer.seconds)
    settings.EMAIL_BACKEND = f"{__name__}.SilentServer"
    return lambda: next(SilentServer.letters)


def test_raters_whose_mail_cannot_leave_in_time_are_named(
    client_of: Callable[[User], Client], researcher: User, letters: Callable[[], int]
) -> None:
    study = frozen_study()

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": "\n".join(ADDRESSES)})

    assert letters() == 3
    assert all(f"No mail could be sent to {address}" in page.content.decode() for address in ADDRESSES)
    assert study.enrolments.count() == len(ADDRESSES)


def test_people_whose_mail_cannot_leave_in_time_have_their_accounts(
    client_of: Callable[[User], Client], admin: User, letters: Callable[[], int]
) -> None:
    browser = client_of(with_password(admin))
    prove(browser)

    browser.post(reverse("invite_people"), {"emails": "\n".join(ADDRESSES), "role": "rater"})

    assert letters() == 3
    assert User.objects.filter(email__in=ADDRESSES).count() == len(ADDRESSES)


def test_reminders_that_cannot_leave_in_time_wait_for_the_next_call(letters: Callable[[], int]) -> None:
    study = open_study(raters=[User.objects.create_user(address) for address in ADDRESSES])
    ReadingSchedule.objects.create(study=study, idle_days=2)

    sent = send_reminders(timezone.now() + timedelta(days=3), lambda path: path)

    assert (sent, letters()) == (0, 3)
    assert not any(enrolment.reminders.exists() for enrolment in study.enrolments.all())
