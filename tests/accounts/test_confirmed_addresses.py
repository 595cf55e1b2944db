"""An invented address that read with the pool beside it is marked: whoever was invited has to have got the mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rating.models import Study
from rating.results.build_report import report_on, results_of
from tests.rating.cast import draft_study, organiser, over_study

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
MARK = "that no mail and no identity provider has confirmed"


def confirmed(person: User) -> bool:
    person.refresh_from_db()
    return person.address_confirmed_at is not None


def invited(browser: Client) -> tuple[User, str]:
    """A new rater, and the link wherever it went: into a mail, or onto the page."""
    page = browser.post(reverse("invite", args=[draft_study().slug]), {"emails": "new@example.org"})
    text = page.text + "".join(str(message.body) for message in mail.outbox)
    link = re.search(r"/enter/[\w-]+/", text)
    assert link
    return User.objects.get(email="new@example.org"), link.group()


def trail_of(study: Study) -> str:
    report = report_on(study, results_of(study), "2026-01-31")
    return " ".join(next(section for section in report.sections if section.title == "Trail").words)


def test_a_link_that_was_mailed_confirms_the_address_when_it_is_used(
    client_of: Signed, researcher: User, client: Client
) -> None:
    person, link = invited(client_of(researcher))
    before = confirmed(person)

    client.post(link)

    assert (before, confirmed(person)) == (False, True)


def test_a_link_that_was_shown_on_a_page_confirms_nothing(
    client_of: Signed, researcher: User, client: Client, settings: Any
) -> None:
    settings.EMAIL_BACKEND = NO_MAIL
    person, link = invited(client_of(researcher))

    client.post(link)

    assert client.session["_auth_user_id"] == str(person.pk)
    assert not confirmed(person)


def test_a_code_from_the_mailbox_confirms_it_too(client: Client, rater: User) -> None:
    client.post(reverse("account_request_login_code"), {"email": rater.email})
    code = re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", str(mail.outbox[0].body))
    assert code
    client.post(reverse("account_confirm_login_code"), {"code": code.group()})

    assert confirmed(rater)


def test_report_analysis_and_raters_page_mark_who_was_never_confirmed(
    client_of: Signed, rater: User, other_rater: User
) -> None:
    rater.confirm_address()
    study = over_study(raters=[rater, other_rater], unblinded=True)
    browser = client_of(organiser())

    analysis = browser.get(reverse("rating:analysis", args=[study.slug])).text
    raters = browser.get(reverse("rating:raters", args=[study.slug])).text

    assert f"{MARK}: R02." in trail_of(study)
    assert f"{MARK}: R02." in analysis
    assert raters.count("Nothing has confirmed this address yet") == 1


def test_a_study_of_confirmed_raters_says_nothing_of_it(rater: User) -> None:
    rater.confirm_address()

    assert MARK not in trail_of(over_study(raters=[rater]))
