"""Second questions: saved with the rating, chained with it, and asked as the study declares."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.urls import reverse

from accounts.models import SiteSettings
from accounts.preferences import Preferences
from rating.models import Draft, Rating, RatingRevision, Study
from rating.reading.erasure import erase_rater
from rating.reading.redaction import redact_remark
from rating.results.export.ratings_csv import csv_lines, rating_facts
from rating.results.verification import verify_study
from rating.studies.second_questions import checked
from tests.audit.tampering import as_superuser
from tests.database_work import database_work
from tests.rating.cast import draft_study, open_study, organiser, presentations, rate_all
from tests.rating.reading.rooms import (
    enter,
    eventually,
    reading_study,
    shown,
    until,
    wait_for_another,
    wait_for_status,
)
from tests.rating.reading.test_answers import save

DIAGNOSIS: dict[str, Any] = {
    "code": "diagnosis",
    "words": "What do you diagnose?",
    "kind": "choice",
    "choices": ["Normal", "Pneumonia", "Effusion"],
    "required": True,
    "is_diagnosis": True,
}
QUALITY: dict[str, Any] = {
    "code": "quality",
    "words": "How good is the image?",
    "kind": "scale",
    "steps": 5,
    "after": True,
}
SIGNS: dict[str, Any] = {
    "code": "signs",
    "words": "Which signs?",
    "kind": "multiple",
    "choices": ["Opacity", "Mass", "Line"],
}
SIZE: dict[str, Any] = {"code": "size", "words": "Size in mm?", "kind": "number", "least": 0, "most": 300}
WHY: dict[str, Any] = {"code": "why", "words": "Why?", "kind": "text"}
ALL = [DIAGNOSIS, QUALITY, SIGNS, SIZE, WHY]
ANSWERS = {
    "second_diagnosis": "Pneumonia",
    "second_quality": "4",
    "second_signs": ["Opacity", "Line"],
    "second_size": "12.5",
    "second_why": "= a dense hilum",
}

pytestmark = pytest.mark.django_db
browser_walk = pytest.mark.django_db(transaction=True)


def study_asking(*questions: dict[str, Any], raters: Any, **protocol: Any) -> Study:
    return open_study(raters=raters, second_questions=checked(list(questions)), **protocol)


def test_all_kinds_of_answers_are_saved_with_the_rating_and_exported(client_of, rater):
    study = study_asking(*ALL, raters=[rater])
    first = presentations(study, rater)[0]

    response = save(client_of(rater), study, first, "fake", **ANSWERS)

    assert response.status_code == 200
    for version in (first.rating, first.rating.revisions.get()):
        assert version.second_answers == {
            "diagnosis": "Pneumonia", "quality": 4, "signs": ["Opacity", "Line"], "size": 12.5,
        }  # fmt: skip
        assert version.second_texts == {"why": "= a dense hilum"}
    assert (next(iter(rating_facts(study)))["second"] or {})["size"] == 12.5
    header, line, unrated = [text.split(",") for text in "".join(csv_lines(study)).splitlines()[:3]]
    columns = [f"second_{each['code']}" for each in ALL]
    assert header[-5:] == columns
    assert line[-5:] == ["Pneumonia", "4", "Opacity; Line", "12.5", "'= a dense hilum"]
    assert unrated[-5:] == [""] * 5


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Answer “What do you diagnose?”, too."),
        ({"second_diagnosis": "Flu"}, "“What do you diagnose?” does not take this answer."),
        ({"second_diagnosis": "Normal", "second_size": "301"}, "“Size in mm?” does not take this answer."),
        (
            {"second_diagnosis": "Normal", "second_quality": "6"},
            "“How good is the image?” does not take this answer.",
        ),
    ],
)
def test_what_is_no_answer_is_refused_in_words(client_of, rater, fields, sentence):
    study = study_asking(*ALL, raters=[rater])

    response = save(client_of(rater), study, presentations(study, rater)[0], **fields)

    assert (response.status_code, response.json()["error"]) == (422, sentence)
    assert not Rating.objects.exists()


def test_a_save_costs_as_many_queries_with_second_questions_as_without(
    client_of, rater, other_rater, monkeypatch
):
    # What a process asks every few seconds, it asks of whichever save comes then.
    monkeypatch.setattr("rating.views.sitting.why_not_durable", lambda: None)
    monkeypatch.setattr("accounts.site_settings.RECENT_SECONDS", float("inf"))
    SiteSettings.recent()
    plain = open_study("Plain", raters=[rater])
    asking = open_study("Asking", raters=[other_rater], second_questions=checked(ALL))
    costs = []

    for study, person, fields in ((plain, rater, {}), (asking, other_rater, ANSWERS)):
        browser, (first, second, *_) = client_of(person), presentations(study, person)
        save(browser, study, first, **fields)
        with database_work() as work:
            assert save(browser, study, second, **fields).status_code == 200
        costs.append(len(work.queries))

    assert costs[0] == costs[1]


def test_a_correction_keeps_the_first_answers_and_verify_sees_what_is_changed(client_of, rater):
    study = study_asking(*ALL, raters=[rater], going_back="any")
    first = presentations(study, rater)[0]
    save(client_of(rater), study, first, **ANSWERS)
    key = str(first.rating.client_key)
    save(client_of(rater), study, first, **ANSWERS | {"second_diagnosis": "Normal", "replaces": key})

    assert verify_study(study).sentence.endswith("as they were written.")
    versions = RatingRevision.objects.order_by("number").values_list("second_answers__diagnosis", flat=True)
    assert list(versions) == ["Pneumonia", "Normal"]
    for change in (
        """second_answers = second_answers || '{"quality": 5}'""",
        """second_texts = '{"why": "none"}'""",
        "second_texts = '{}'",
        "second_answers = '{}'",
    ):
        with transaction.atomic():
            for table in ("rating_ratingrevision", "rating_rating"):
                as_superuser(f"UPDATE {table} SET {change}")
            assert "NOT as it was written" in verify_study(study).sentence, change
            transaction.set_rollback(True)


def test_free_text_is_redacted_and_the_choices_stand(client_of, rater):
    study = study_asking(*ALL, raters=[rater])
    first = presentations(study, rater)[0]
    save(client_of(rater), study, first, **ANSWERS)

    assert redact_remark(first.rating, by=organiser(), reason="It names somebody.") == 1

    rating = Rating.objects.get()
    assert (rating.second_texts, rating.second_answers["quality"]) == ({}, 4)
    assert verify_study(study).sentence.endswith("as they were written.")


def test_an_erased_name_is_gone_from_free_text(client_of, rater):
    study = study_asking(WHY, raters=[rater])
    save(client_of(rater), study, presentations(study, rater)[0], second_why='as "Zoë" said')

    assert erase_rater(rater, ['"Zoë"'], by=organiser(), reason="Asked for it.") == 1

    assert not RatingRevision.objects.exclude(second_texts={}).exists()


def test_the_database_takes_no_answer_to_what_is_not_asked(rater):
    study = study_asking(QUALITY, raters=[rater])
    first = presentations(study, rater)[0]

    with pytest.raises(DatabaseError, match="asks no second question “signs”"):
        Rating.record(first, uuid.uuid4(), label="real", second_answers={"signs": ["Mass"]})


def test_a_question_of_one_session_is_not_on_the_pages_of_another(client_of, rater):
    study = study_asking(
        DIAGNOSIS | {"sessions": [1]}, QUALITY | {"sessions": [2]}, raters=[rater], sessions=2, washout_days=0,
        real=1, fake=1,
    )  # fmt: skip
    url = reverse("rating:read", args=[study.slug])

    first_page = client_of(rater).get(url).text
    for presentation in presentations(study, rater):
        Rating.record(presentation, uuid.uuid4(), label="real", second_answers={"diagnosis": "Normal"})
    second_page = client_of(rater).get(url).text

    assert ("What do you diagnose?" in first_page, "How good" in first_page) == (True, False)
    assert ("What do you diagnose?" in second_page, "How good" in second_page) == (False, True)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (QUALITY | {"code": "Bad code"}, "small letters"),
        (QUALITY | {"steps": 12}, "2 to 9 steps"),
        (QUALITY | {"is_diagnosis": True}, "only one of several choices"),
        (SIGNS | {"choices": ["One"]}, "two to 20 different choices"),
        (SIZE | {"least": 5, "most": 1}, "below the most"),
        (QUALITY | {"colour": "red"}, "has no “colour”"),
        (WHY | {"words": ""}, "write what is asked"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_in_words(question, sentence):
    study = draft_study(second_questions=[question])

    with pytest.raises(ValidationError, match=sentence):
        study.full_clean()


def test_a_forced_choice_has_no_second_questions_and_no_code_comes_twice():
    pairs = draft_study("Pairs", second_questions=[QUALITY], design="pair")
    twice = draft_study("Twice", second_questions=[QUALITY, QUALITY])

    for study, sentence in ((pairs, "several images at once"), (twice, "Two second questions")):
        with pytest.raises(ValidationError, match=sentence):
            study.full_clean()


def test_what_tells_the_purpose_is_refused_in_the_first_phase():
    question = QUALITY | {"words": "How real does it look?"}
    two_phases: dict[str, Any] = {"design": "two-phase", "sessions": 2}
    first = draft_study("First", second_questions=checked([question]), **two_phases)
    later = draft_study("Later", second_questions=checked([question | {"sessions": [2]}]), **two_phases)

    assert any("second questions" in reason and "real" in reason for reason in first.reasons_not_to_freeze())
    assert not any("second questions" in reason for reason in later.reasons_not_to_freeze())


def test_page_and_protocol_file_declare_the_same_questions(client_of, tmp_path):
    draft_study("First")
    browser = client_of(organiser())
    dataset = Study.objects.get().strata.first().dataset
    rows = {}
    for number, question in enumerate(ALL):
        for name, value in question.items():
            text = "\n".join(value) if isinstance(value, list) else "on" if value is True else value
            rows[f"second_questions-{number}-{name}"] = text
    typed = {"name": "Second", "canvas": 64, f"dataset_{dataset.pk}": 2, "instructions": "Look.", **rows}

    step = browser.post(reverse("rating:create"), {**typed, "step": "reading", "go": "next"})
    carried = {
        field.html_name: field.value() for field in step.context["hidden"] if field.value() is not None
    }
    saved = browser.post(reverse("rating:create"), {**carried, "step": "check", "go": "save"})

    assert saved.status_code == 302, saved.context["form"].errors
    second = Study.objects.get(name="Second")
    assert second.second_questions == checked(ALL)
    file = tmp_path / "protocol.json"
    call_command("study", "export-protocol", "Second", output=file)
    call_command("study", "create", "Third", protocol_file=file)
    questions = tmp_path / "questions.json"
    questions.write_text(json.dumps(ALL))
    call_command(
        *("study", "create", "Fourth", "--images", "First real xray=1", "--second-questions", str(questions))
    )
    for name in ("Third", "Fourth"):
        assert Study.objects.get(name=name).second_questions == checked(ALL)


@pytest.mark.e2e
@browser_walk
def test_keys_answer_one_question_after_the_other(open_browser, rater):
    study = reading_study(raters=[rater], second_questions=checked([DIAGNOSIS, QUALITY, SIGNS, SIZE, WHY]))
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)
    digits = """() => [...document.querySelectorAll('fieldset[data-digits]')]
      .filter((part) => [...part.querySelectorAll('.digit')].some((cap) => getComputedStyle(cap).visibility === 'visible'))
      .map((part) => part.dataset.second ?? 'label')"""

    assert page.evaluate(digits) == ["label"]
    assert not page.is_visible("fieldset[data-second=quality]")
    page.keyboard.press("2")
    assert page.evaluate(digits) == ["diagnosis"]
    page.keyboard.press("Enter")
    assert page.text_content("[data-notice]") == "Answer “What do you diagnose?”, too."
    page.keyboard.press("3")
    assert page.evaluate(digits) == ["quality"]
    page.keyboard.press("4")
    for digit in "132":
        assert page.evaluate(digits) == ["signs"]
        page.keyboard.press(digit)
    page.keyboard.press("2")  # unticks
    page.focus("input[name=second_size]")
    page.keyboard.type("7.5")
    page.focus("textarea[name=second_why]")
    page.keyboard.type("thin 3 lines")
    page.keyboard.press("Enter")
    wait_for_another(page, first)

    wait_for_status(page, "Saved")
    rating = Rating.objects.get()
    assert rating.label == "fake"
    assert rating.second_answers == {
        "diagnosis": "Effusion", "quality": 4, "signs": ["Opacity", "Line"], "size": 7.5,
    }  # fmt: skip
    assert rating.second_texts == {"why": "thin 3 lines"}
    page.keyboard.press("z")
    until(page, "() => document.querySelector('input[name=second_diagnosis][value=Effusion]').checked")
    assert page.input_value("input[name=second_size]") == "7.5"
    assert page.input_value("textarea[name=second_why]") == "thin 3 lines"


@pytest.mark.e2e
@browser_walk
def test_what_is_begun_is_there_after_a_reload_and_digits_alone_go_on(open_browser, rater):
    Preferences.objects.create(user=rater, auto_advance=True)
    study = reading_study(raters=[rater], second_questions=checked([DIAGNOSIS, QUALITY]))
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    page.keyboard.press("1")
    page.keyboard.press("2")
    eventually(lambda: Draft.objects.filter(second={"diagnosis": "Pneumonia"}).exists(), page)
    page.reload()
    assert shown(page) == first
    assert page.is_checked("input[value=Pneumonia]")
    page.keyboard.press("5")
    wait_for_another(page, first)

    wait_for_status(page, "Saved")
    assert Rating.objects.get().second_answers == {"diagnosis": "Pneumonia", "quality": 5}


def test_a_rater_who_withdraws_takes_second_answers_along(client_of, rater):
    study = study_asking(*ALL, raters=[rater], withdrawal="remove")
    rate_all(study, rater, "real")
    first = presentations(study, rater)[0]
    save(client_of(rater), study, first, **ANSWERS, replaces=str(first.rating.client_key))

    client_of(rater).post(reverse("rating:leave", args=[study.slug]), {"sure": "on"})

    assert not Rating.objects.exists()
    assert not RatingRevision.objects.exists()
