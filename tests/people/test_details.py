"""An admin mends a person's name and address: with a reason, told to the old address, and found again by an erasure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import LoginLink, User
from audit.models import Event
from lungrater.privacy.erasure import erase
from tests.accounts.proof import prove, with_password

pytestmark = pytest.mark.django_db
OLD, NEW = "rater@example.org", "rita.new@example.org"


@pytest.fixture
def browser(admin: User, client_of: Callable[[User], Client]) -> Client:
    browser = client_of(with_password(admin))
    prove(browser)
    return browser


@pytest.fixture
def change(browser: Client, django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    def post(person: User, **fields: str) -> Any:
        page = reverse("change_person", args=[person.uuid, "details"])
        content = {"first_name": "Rita", "email": person.email, "reason": "She has married.", **fields}
        with django_capture_on_commit_callbacks(execute=True):
            answer = browser.post(page, content)
        person.refresh_from_db()
        return answer

    return post


def test_a_new_address_is_logged_with_the_reason_and_told_to_the_old_one(
    change: Callable[..., Any], rater: User, admin: User
) -> None:
    change(rater, email=" Rita.New@example.org", last_name="Neumann")

    event = Event.objects.get(action="changed the address")
    assert (rater.email, rater.get_full_name()) == (NEW, "Rita Neumann")
    assert (event.actor, event.subject_key) == (admin.uuid, str(rater.uuid))
    assert event.reason == f"{OLD} → {NEW}\nShe has married."
    [message] = mail.outbox
    assert message.to == [OLD]
    assert NEW in message.body


def test_nothing_that_went_to_the_old_address_opens_the_account_any_more(
    change: Callable[..., Any], rater: User, client: Client
) -> None:
    rater.confirm_address()
    EmailAddress.objects.create(user=rater, email=OLD, primary=True, verified=True)
    link = LoginLink.issue(rater, lives=timedelta(days=1))

    change(rater, email=NEW)

    assert client.post(link).status_code == 410
    assert not EmailAddress.objects.exists()
    assert rater.address_confirmed_at is None


def test_an_address_that_is_somebody_elses_or_no_reason_changes_nothing(
    change: Callable[..., Any], rater: User, researcher: User
) -> None:
    answers = [change(rater, email=researcher.email), change(rater, email=NEW, reason="")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert rater.email == OLD


def test_a_name_alone_is_told_to_nobody(change: Callable[..., Any], rater: User) -> None:
    change(rater, last_name="Neumann")

    assert mail.outbox == []
    assert Event.objects.get(action="changed a person").detail["fields"] == ["last_name"]


def test_an_erasure_finds_the_address_and_the_name_that_a_person_had_before(
    change: Callable[..., Any], rater: User, admin: User, client_of: Callable[[User], Client]
) -> None:
    client_of(rater)  # the log has the name and the address of then
    change(rater, email=NEW, first_name="Margarita", last_name="Neumann")

    traces = erase(rater, by=admin, reason="Asked for.").traces

    assert traces == {}
    texts = " ".join(f"{event.identity} {event.reason}" for event in Event.objects.all())
    assert all(word not in texts for word in (OLD, NEW, "Rita Rater", "Neumann"))
