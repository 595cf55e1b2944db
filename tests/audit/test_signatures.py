"""Electronic signatures: who signs proves again who they are and says what it means; it is bound to the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rating.models import Study
from rating.results.build_report import report_on, results_of
from rating.results.verification import verify_study
from rating.studies.study import NotPossibleError
from tests.accounts.proof import prove, with_password
from tests.rating.cast import open_study, organiser, rate_all

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]


@pytest.fixture
def study(rater: User) -> Study:
    study = open_study(raters=[rater], signatures=True)
    rate_all(study, rater, "real")
    return study


@pytest.fixture
def browser(client_of: Signed, study: Study) -> Client:
    return client_of(with_password(organiser()))


def test_closing_asks_who_it_is_again_and_keeps_what_the_signature_means(
    browser: Client, study: Study
) -> None:
    page = reverse("rating:close", args=[study.slug])

    sent_away = browser.get(page)
    assert sent_away.status_code == 302
    assert sent_away["Location"].startswith(reverse("account_reauthenticate"))
    assert browser.post(page, {"confirm": study.name, "meaning": "approval"}).status_code == 302
    study.refresh_from_db()
    assert study.is_open
    prove(browser)
    assert "What your signature means" in browser.get(page).text
    browser.post(page, {"confirm": study.name, "meaning": "approval"})

    study.refresh_from_db()
    signature = study.events.get(action="signed")
    assert study.is_over
    assert (signature.actor, signature.identity) == (organiser().uuid, organiser().identity)
    assert signature.detail["act"] == "close"
    assert signature.detail["meaning"] == "I approve it"
    assert signature.detail["by"] == ["password"]
    assert signature.detail["manifest_sha256"] == study.manifest_sha256


def test_without_a_meaning_nothing_is_done(browser: Client, study: Study) -> None:
    prove(browser)

    assert (
        browser.post(reverse("rating:close", args=[study.slug]), {"confirm": study.name}).status_code == 422
    )

    study.refresh_from_db()
    assert study.is_open


def test_the_report_names_who_signed_it_when_and_why(browser: Client, study: Study) -> None:
    study.close(organiser())
    page = reverse("rating:sign_report", args=[study.slug])
    assert page in browser.get(reverse("rating:analysis", args=[study.slug])).text
    prove(browser)

    browser.post(page, {"meaning": "authorship"})

    words = next(
        s for s in report_on(study, results_of(study), "2026-01-31").sections if s.title == "Trail"
    ).words
    assert words[0].startswith(f"Signed (report) by {organiser().identity} on ")
    assert words[0].endswith(": I have written it.")
    assert verify_study(study).is_whole


def test_the_people_of_the_demo_sign_no_more_easily_than_others(client_of: Signed, study: Study) -> None:
    person = organiser()
    person.is_demo = True
    person.save(update_fields=["is_demo"])

    client_of(person).post(
        reverse("rating:close", args=[study.slug]), {"confirm": study.name, "meaning": "approval"}
    )

    study.refresh_from_db()
    assert study.is_open


def test_nobody_signs_at_a_command_line(study: Study) -> None:
    with pytest.raises(NotPossibleError, match="not on the command line"):
        study.close(None)


def test_a_study_that_does_not_ask_is_closed_without(client_of: Signed, rater: User) -> None:
    study = open_study(raters=[rater])

    client_of(organiser()).post(reverse("rating:close", args=[study.slug]), {"confirm": study.name})

    study.refresh_from_db()
    assert study.is_over
    assert not study.events.filter(action="signed").exists()


def test_a_changed_answer_needs_a_reason_where_the_study_asks(client_of: Signed, rater: User) -> None:
    study = open_study("Asks why", raters=[rater], ask_correction_reason=True, going_back="any")
    browser = client_of(rater)
    browser.get(reverse("rating:read", args=[study.slug]))
    presentation = study.enrolments.get().sittings.get().presentations.order_by("position").first()
    assert presentation is not None
    page = reverse("rating:rate", args=[study.slug, presentation.token])
    first, second = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    browser.post(page, {"label": "real", "client_key": first})

    change = {"label": "fake", "client_key": second, "replaces": first}
    refused = browser.post(page, change)
    taken = browser.post(page, {**change, "correction_reason": "I had not seen the ribs."})

    assert (refused.status_code, taken.status_code) == (422, 302)
    assert "Say why you change this answer." in refused.text
    revisions = study.enrolments.get().sittings.get().revisions.order_by("chain_number")
    assert [(r.label, r.reason) for r in revisions] == [("real", ""), ("fake", "I had not seen the ribs.")]
    assert verify_study(study).is_whole
