"""Blinded to the purpose with diagnosis and quality, then informed, then with clues: the 2026 template end to end."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.urls import reverse

from pool.models import Image
from rating.models import Rating, Study
from rating.reading.simulation import Readers, simulate
from rating.results.build_report import report_on, results_of
from rating.results.summary import study_results
from rating.statistics.columns import PER_RATING
from rating.studies.presets import TEMPLATES
from tests.rating.cast import draft_study, open_study, presentations
from tests.rating.statistics.studies import simulated

pytestmark = pytest.mark.django_db
PROTOCOL = TEMPLATES["three-phase-2026"].protocol
FIRST = {"second_diagnosis": "normal", "second_quality": "4"}


def save(browser, study, presentation, label, **fields):
    data = {"label": label, "client_key": str(uuid.uuid4()), **fields}
    url = reverse("rating:rate", args=[study.slug, presentation.token])
    return browser.post(url, data, HTTP_ACCEPT="application/json")


def test_each_phase_tells_and_asks_its_own(client_of, rater):
    study = open_study("Chest films", raters=[rater], real=2, fake=2, **PROTOCOL)
    browser, read = client_of(rater), reverse("rating:read", args=[study.slug])
    begin = reverse("rating:begin", args=[study.slug])
    pages = []

    for session, label in ((1, "usual"), (2, "fake"), (3, "real")):
        if session > 1:
            assert browser.get(read).url == begin
            told = browser.get(begin).text
            assert (study.clues in told) == (session == 3)
            browser.post(begin, {"consent": "on"})
        pages.append(browser.get(read).text)
        for presentation in presentations(study, rater, session):
            assert (
                save(browser, study, presentation, label, **(FIRST if session == 1 else {})).status_code
                == 200
            )

    assert ["What is your main finding?" in page for page in pages] == [True, False, False]
    assert ["How sure are you?" in page for page in pages] == [True, True, True]
    assert [study.clues in page for page in pages] == [False, False, True]
    assert not any(word in pages[0].lower() for word in ("fake", "generator", "letters and markers"))


def test_an_answer_of_the_second_session_arrives_after_the_third_was_agreed_to(client_of, rater):
    study = open_study("Chest films", raters=[rater], real=1, fake=1, **{**PROTOCOL, "going_back": "any"})
    browser, begin = client_of(rater), reverse("rating:begin", args=[study.slug])
    for session, label in ((1, "usual"), (2, "fake")):
        browser.post(begin, {"consent": "on"})
        for presentation in presentations(study, rater, session):
            save(browser, study, presentation, label, **(FIRST if session == 1 else {}))
    browser.post(begin, {"consent": "on"})
    last = presentations(study, rater, 2)[-1]

    late = save(browser, study, last, "real", replaces=str(last.rating.client_key))

    assert late.status_code == 200
    assert Rating.objects.get(presentation=last).label == "real"


def test_a_rehearsal_prints_every_kind_of_number_of_the_paper():
    draft = draft_study("Chest films", real=4, fake=4, **PROTOCOL)
    Image.objects.update(label="pneumonia")
    study = simulate(draft, Readers(raters=4))

    results = results_of(study)
    report = report_on(study, results, "2026-01-31")

    titles = {piece.title for section in report.sections for piece in section.pieces}
    assert {
        "How many raters noticed before they were told",
        "How often the diagnosis was right",
        "Scales and numbers",
        "Each session",
    } <= titles
    assert [part.session for part in results.known_truth.by_session] == [2, 3]
    assert [(part.code, part.session, part.answers) for part in results.second] == [
        ("diagnosis", 1, 32),
        ("quality", 1, 32),
    ]
    assert any("told what to look for" in words for words in report.sections[1].words)
    assert Study.objects.get(name="Chest films").clues == PROTOCOL["clues"]


def test_each_sessions_accuracy_is_that_of_its_own_calls():
    first = simulated(raters=2, images=4, right=1.0)
    both: dict[str, Any] = {name: np.concatenate([getattr(first, name)] * 2) for name in PER_RATING}
    both["session"] = np.repeat([2, 3], len(first.session))
    both["label"][len(first.label) :] = 0  # all called real in the last session

    parts = study_results(replace(first, **both)).known_truth.by_session

    assert [
        (part.session, part.accuracy.estimate.estimate, part.fool_rate.estimate.estimate) for part in parts
    ] == [
        (2, 1.0, 0.0),
        (3, 0.5, 1.0),
    ]
