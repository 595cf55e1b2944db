"""Drafts are deleted and studies archived, by whoever may, and nothing that was rated goes with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from audit.models import Event
from rating.models import Enrolment, Freeze, Study
from rating.studies.removal import delete_draft
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of
from tests.rating.cast import draft_study, frozen_study, open_study, organiser, over_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(researcher: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(researcher)


def test_a_draft_is_deleted_with_its_invitations_and_the_log_keeps_why(browser: Client, rater: User) -> None:
    study = draft_study("Draft")
    Enrolment.objects.create(study=study, user=rater, number=1)
    page = browser.get(reverse("rating:delete", args=[study.slug])).text

    answer = browser.post(
        reverse("rating:delete", args=[study.slug]), {"reason": "The wrong datasets."}, follow=True
    )

    assert "the invitation of 1 rater" in page
    assert "The draft “Draft” is deleted." in answer.text
    assert not Study.objects.exists()
    assert not Enrolment.objects.exists()
    event = Event.objects.get(action="deleted the draft")
    assert (event.reason, event.detail["name"]) == ("The wrong datasets.", "Draft")
    call_command("verify")


def test_a_draft_goes_with_a_rater_who_was_replaced(rater: User, other_rater: User) -> None:
    study = draft_study("Draft")
    enrolment = Enrolment.enrol(study, rater)
    enrolment.withdraw(organiser(), "Has no time.")
    enrolment.replace(other_rater)

    delete_draft(study, organiser(), "The wrong datasets.")

    assert not Enrolment.objects.exists()


def test_a_draft_is_not_deleted_without_a_reason(browser: Client) -> None:
    study = draft_study("Draft")

    assert browser.post(reverse("rating:delete", args=[study.slug]), {"reason": ""}).status_code == 422
    assert Study.objects.exists()


def test_what_is_frozen_or_being_frozen_or_copied_is_not_deleted(browser: Client) -> None:
    frozen, freezing, original = frozen_study("Frozen"), draft_study("Freezing"), draft_study("Original")
    Freeze.objects.create(study=freezing)
    copy_of(original, by=organiser())

    assert browser.get(reverse("rating:delete", args=[frozen.slug])).status_code == 404
    for study in (frozen, freezing, original):
        with pytest.raises(NotPossibleError):
            delete_draft(study, organiser(), "No.")


def test_only_an_owner_deletes_a_draft(browser: Client, researcher: User) -> None:
    study = draft_study("Draft")
    study.memberships.all().delete()
    study.share_with(researcher, Part.EDITOR)

    assert browser.post(reverse("rating:delete", args=[study.slug]), {"reason": "x"}).status_code == 404


def test_an_archived_study_leaves_the_lists_and_comes_back(browser: Client, rater: User) -> None:
    study = over_study("Old one", raters=[rater])
    address = reverse("rating:archive", args=[study.slug])

    browser.post(address)
    lists = [browser.get(page).text for page in (reverse("rating:studies"), reverse("home"))]
    archive = browser.get(reverse("rating:studies"), {"archived": ""}).text
    browser.post(address, {"back": "1"})

    assert not any("Old one" in page for page in lists)
    assert "Old one" in archive
    assert "Old one" in browser.get(reverse("rating:studies")).text
    assert [event.action for event in study.events.all() if "archive" in event.action] == [
        "brought the study back from the archive",
        "archived the study",
    ]


def test_an_open_study_is_not_archived(browser: Client, rater: User) -> None:
    study = open_study("Open", raters=[rater])

    answer = browser.post(reverse("rating:archive", args=[study.slug]), follow=True)

    assert "close it before you archive it" in answer.text
    assert "Open" in browser.get(reverse("rating:studies")).text


def test_a_study_that_opens_leaves_the_archive(browser: Client, rater: User) -> None:
    study = frozen_study("Late", raters=[rater])
    browser.post(reverse("rating:archive", args=[study.slug]))

    study.open(organiser())

    assert "Late" in browser.get(reverse("rating:studies")).text
    assert "In the archive" not in browser.get(study.get_absolute_url()).text
    assert study.events.filter(action="brought the study back from the archive").exists()
