"""What only the authors can say of a study is kept with it, in the log, and printed in its report."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import Event
from rating.results.study_facts import facts_of
from rating.studies.study import Study

pytestmark = pytest.mark.django_db


def draft(researcher: User) -> Study:
    study = Study.objects.create(name="Lungs", created_by=researcher)
    study.give_to_maker(researcher)
    return study


def test_a_statement_is_kept_printed_and_logged_once(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    study, client = draft(researcher), client_of(researcher)
    address = reverse("rating:statements", args=[study.slug])

    for _ in range(2):
        client.post(address, {"funding": "  Paid by the ministry.  "})

    assert facts_of(study).statements == {"funding": "Paid by the ministry."}
    events = Event.objects.filter(action="wrote a statement")
    assert [event.detail["topic"] for event in events] == ["funding"]


def test_an_emptied_box_takes_the_statement_away(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    study, client = draft(researcher), client_of(researcher)
    address = reverse("rating:statements", args=[study.slug])
    client.post(address, {"funding": "Paid by the ministry."})

    client.post(address, {"funding": ""})

    assert facts_of(study).statements == {}


def test_the_page_says_which_items_ask(researcher: User, client_of: Callable[[User], Client]) -> None:
    study = draft(researcher)

    page = client_of(researcher).get(reverse("rating:statements", args=[study.slug])).content.decode()

    assert "For CLAIM 44, STARD 30, STARD-AI 38." in page
