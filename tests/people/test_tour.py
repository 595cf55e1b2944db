"""A tour of the first page: its steps by what one may do, offered until taken or declined, and blind for raters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from accounts.preferences import Preferences
from lungrater.pages.tour import steps_for
from rating.studies.purpose_words import telling_words
from tests.rating.cast import open_study

pytestmark = pytest.mark.django_db
STATIC = Path(settings.BASE_DIR) / "static"
OFFER = "data-end-tour"
RESEARCH = ["Import images", "Generation", "New study", "Studies and their analysis"]
READING = ["Your study", "To the images", "A break", "Preferences", "Your account"]

ClientOf = Callable[[User], Client]


def titles(browser: Client) -> list[str]:
    """Of the steps on the first page."""
    page = browser.get(reverse("home"), follow=True)
    return [str(step.title) for step in page.context["steps"]]


def first_page(browser: Client) -> str:
    return browser.get(reverse("home"), follow=True).text


def test_each_person_is_shown_what_they_may_do(
    client_of: ClientOf, rater: User, researcher: User, admin: User
) -> None:
    assert titles(client_of(researcher)) == RESEARCH
    assert titles(client_of(admin)) == ["People", "Health and backup", "Log", *RESEARCH]
    assert titles(client_of(rater)) == READING


def test_it_is_offered_until_it_is_declined_and_then_on_no_device(
    client_of: ClientOf, researcher: User, admin: User
) -> None:
    browser = client_of(researcher)
    assert OFFER in first_page(browser)

    page = browser.post(reverse("end_tour"), follow=True).text

    assert "The tour is there again under “Your account”." in page
    assert OFFER not in page
    assert OFFER not in first_page(client_of(researcher))
    assert OFFER in first_page(client_of(admin))
    assert f'href="{reverse("home")}#tour"' in browser.get(reverse("account")).text


def test_a_page_that_has_begun_it_is_told_nothing(client_of: ClientOf, researcher: User) -> None:
    browser = client_of(researcher)

    answer = browser.post(reverse("end_tour"), headers={"accept": "application/json"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert OFFER not in first_page(browser)


@pytest.mark.parametrize("kind", ["rater", "researcher"])
def test_declining_it_changes_no_other_preference(
    client_of: ClientOf, kind: str, request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue(kind)
    before = Preferences.of(person)

    client_of(person).post(reverse("end_tour"))

    after = Preferences.objects.get(user=person)
    assert (after.theme, after.language) == (before.theme, before.language)

    Preferences.objects.filter(user=person).update(theme="light", single_keys=False)
    client_of(person).post(reverse("end_tour"))
    after.refresh_from_db()
    assert (after.theme, after.single_keys, after.offers_tour) == ("light", False, False)


def test_saving_ones_preferences_does_not_offer_it_again(client_of: ClientOf, rater: User) -> None:
    open_study(raters=[rater])
    browser = client_of(rater)
    browser.post(reverse("end_tour"))

    browser.post(reverse("rating:preferences"), {"theme": "light", "language": ""})

    assert OFFER not in first_page(browser)


def test_a_rater_without_a_study_is_not_asked_yet(client_of: ClientOf, rater: User) -> None:
    browser = client_of(rater)
    assert OFFER not in first_page(browser)

    open_study(raters=[rater])

    assert OFFER in first_page(browser)


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_a_raters_tour_tells_nothing_of_what_a_study_is_after(
    client_of: ClientOf, rater: User, language: str
) -> None:
    steps = steps_for(rater.has_perm)
    with translation.override(language):
        words = [f"{step.target} {step.title} {step.text}" for step in steps]
    open_study("Chest films", raters=[rater], instructions="Look.", prevalence_note="")
    Preferences.objects.create(user=rater, language=language)
    page = first_page(client_of(rater))
    files = [STATIC / "css" / "tour.css", *sorted((STATIC / "js" / "tour").iterdir())]

    texts = [*words, page, *(file.read_text() for file in files)]

    assert len(words) == len(READING)
    assert all(str(step.title) in page for step in steps if language == "en")
    assert [found for text in texts if (found := telling_words(text))] == []


def test_the_search_finds_what_the_office_is_told(researcher: User) -> None:
    """Else the test above would prove nothing."""
    text = " ".join(f"{step.title} {step.text}" for step in steps_for(researcher.has_perm))

    assert {"Generation", "synthetic"} <= set(telling_words(text))
