"""Freezing and the audit are parts of the study's page: who may change the study stops them and lets them go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit import record
from rating.models import BlindingAudit, Freeze
from rating.studies.trail.sitting_heads import HEADS
from tests.rating.cast import draft_study, frozen_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(researcher: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(researcher)


def test_a_freeze_that_waits_can_be_stopped_and_let_go_on(browser: Client) -> None:
    freeze = Freeze.objects.create(study=draft_study("Draft"))
    page = browser.get(freeze.get_absolute_url()).text

    stopped = browser.post(reverse("rating:freeze_cancel", args=[freeze.pk]), follow=True).text
    browser.post(reverse("rating:freeze_resume", args=[freeze.pk]))

    assert "No worker for the queue “cpu” has been seen yet." in page
    assert "Freezing was stopped; the study is a draft as before." in stopped
    freeze.refresh_from_db()
    assert freeze.state == "queued"


def test_a_freeze_of_a_study_that_is_frozen_by_now_does_not_go_on(browser: Client) -> None:
    freeze = Freeze.objects.create(study=frozen_study("Frozen"), state="failed")

    answer = browser.post(reverse("rating:freeze_resume", args=[freeze.pk]), follow=True)

    assert "Freeze the study anew." in answer.text
    freeze.refresh_from_db()
    assert freeze.state == "failed"


def test_a_stopped_audit_keeps_the_study_closed(browser: Client) -> None:
    audit = BlindingAudit.objects.create(study=frozen_study("Frozen"))

    page = browser.post(reverse("rating:audit_cancel", args=[audit.pk]), follow=True).text

    assert "The audit was stopped before its end: run it again." in page
    assert "The blinding audit was stopped before its end: run it again." in audit.study.reasons_not_to_open()


def test_the_moving_part_of_an_audit_asks_for_the_page_when_it_has_ended(browser: Client) -> None:
    audit = BlindingAudit.objects.create(study=frozen_study("Frozen"), state="running", message="Letters")
    address = reverse("rating:audit_progress", args=[audit.pk])

    moving = browser.get(address, headers={"HX-Request": "true"})
    BlindingAudit.objects.update(state="succeeded")
    ended = browser.get(address)

    assert "Letters" in moving.text
    assert "job-state" not in moving.text  # the study's page has no place for it
    assert ended["HX-Refresh"] == "true"


def test_a_frozen_study_without_raters_leads_to_inviting_them(browser: Client) -> None:
    study = frozen_study("Frozen")

    page = browser.get(study.get_absolute_url()).text

    step = page[page.index("Next step") : page.index("Before raters can begin")]
    assert "Invite at least one rater." in step
    assert reverse("invite", args=[study.slug]) in step


def test_the_heads_of_chains_stand_in_the_log_and_not_on_the_page(browser: Client) -> None:
    study = frozen_study("Frozen")
    record(study, None, HEADS, heads={})

    assert HEADS not in browser.get(study.get_absolute_url()).text
    assert HEADS in browser.get(reverse("rating:log", args=[study.slug])).text
