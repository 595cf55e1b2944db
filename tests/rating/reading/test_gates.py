"""What lies behind consent, washout and close cannot be had by asking its address."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from rating.models import Enrolment, Freeze, Rating, Study
from tests.rating.cast import draft_study, open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def tries(client_of, rater):
    """Asks in every way for one presentation; what each answered."""
    browser = client_of(rater)

    def ask(study, presentation) -> dict[str, object]:
        answer = {"label": "real", "client_key": str(uuid.uuid4())}
        ahead = reverse("rating:ahead", args=[study.slug])
        session = presentation.sitting.session
        return {
            "image": browser.get(reverse("rating:presented", args=[presentation.token])).status_code,
            "at": browser.get(reverse("rating:at", args=[study.slug, presentation.position])).status_code,
            "ahead": browser.get(f"{ahead}?session={session}").json()["ahead"],
            "rate": browser.post(
                reverse("rating:rate", args=[study.slug, presentation.token]), answer
            ).status_code,
        }

    return ask


SHUT = {"image": 404, "at": 404, "ahead": [], "rate": 404}


def read_once(rater, *, washout_days: int) -> Study:
    """A study of two sessions whose first this rater has finished."""
    study = draft_study()
    study.sessions, study.washout_days = 2, washout_days
    study.save()
    Enrolment.enrol(study, rater).consent()
    Freeze.objects.create(study=study).perform()
    study.refresh_from_db()
    study.open(organiser())
    rate_all(study, rater, "real")
    return study


def test_nothing_is_shown_or_taken_before_consent(rater, tries):
    study = open_study(raters=[rater])
    Enrolment.objects.update(consent_version="of other words")

    assert tries(study, presentations(study, rater)[0]) == SHUT
    assert not Rating.objects.exists()


def test_the_second_session_stays_shut_until_the_washout_is_over(rater, tries):
    study = read_once(rater, washout_days=14)

    assert tries(study, presentations(study, rater, session=2)[0]) == SHUT


def test_a_page_of_the_first_session_gets_no_image_of_the_second(client_of, rater):
    study = read_once(rater, washout_days=0)
    ahead = reverse("rating:ahead", args=[study.slug])

    assert client_of(rater).get(f"{ahead}?session=1").json()["ahead"] == []
    assert client_of(rater).get(f"{ahead}?session=2").json()["ahead"] != []


def test_a_rating_that_was_under_way_when_the_study_closed_is_refused(rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    study.close(organiser())

    with pytest.raises(IntegrityError, match="closed takes no rating"), transaction.atomic():
        Rating.record(first, uuid.uuid4(), label="real")
    assert not Rating.objects.exists()


def test_one_saves_key_does_not_serve_two_images(client_of, rater):
    study = open_study(raters=[rater])
    browser = client_of(rater)
    answer = {"label": "real", "client_key": str(uuid.uuid4())}

    answered = [
        browser.post(reverse("rating:rate", args=[study.slug, p.token]), answer).status_code
        for p in presentations(study, rater)[:2]
    ]

    assert answered == [302, 422]
    assert Rating.objects.count() == 1


def test_a_token_that_none_can_be_is_not_found(client_of, rater):
    assert client_of(rater).get("/i/%00").status_code == 404


def test_what_a_rater_said_of_themselves_can_be_changed_while_the_study_is_open(client_of, rater):
    study, browser = open_study(raters=[rater]), client_of(rater)
    about_you = reverse("rating:begin", args=[study.slug])

    assert f'href="{about_you}"' in browser.get(reverse("rating:reading_list")).text
    browser.post(about_you, {"years": 12, "subspecialty": "Chest", "ai_knowledge": "", "consent": "on"})
    study.close(organiser())

    enrolment = study.enrolments.get()
    assert (enrolment.years, enrolment.subspecialty) == (12, "Chest")
    assert f'href="{about_you}"' not in browser.get(reverse("rating:reading_list")).text
