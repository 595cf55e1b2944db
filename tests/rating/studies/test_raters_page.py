"""What the page on raters counts of how they read, and what it costs."""

import random
import uuid
from itertools import groupby
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from rating.models import Enrolment, Rating
from rating.reading.attention_checks import Habits, flags
from rating.reading.habits import habits_of
from tests.rating.cast import open_study, presentations

pytestmark = pytest.mark.django_db

Answers = list[tuple[str, int | None, int]]


def counted(answers: Answers) -> Habits:
    """The same habits by their definition, rating by rating."""
    labels = [label for label, _, _ in answers if label]
    times = [active for _, active, _ in answers if active is not None]
    return Habits(
        ratings=len(answers),
        timed=len(times),
        median_ms=median(times) if times else None,
        long_idle=sum(idle >= 600_000 for _, _, idle in answers),
        labelled=len(labels),
        of_one_label=max((labels.count(label) for label in labels), default=0),
        longest_run=max((len(list(run)) for _, run in groupby(labels)), default=0),
    )


def read(study, rater, answers: Answers) -> Enrolment:
    for presentation, (label, active, idle) in zip(presentations(study, rater), answers, strict=True):
        Rating.record(presentation, uuid.uuid4(), label=label, active_ms=active, idle_ms=idle)
    return Enrolment.objects.get(study=study, user=rater)


def test_habits_are_those_of_the_ratings_one_by_one(rater, other_rater):
    luck = random.Random(7)
    study = open_study(raters=[rater, other_rater], real=15, fake=15)
    labels = ("real", "real", "real", "fake", "unsure")
    answers = {
        person: [
            (luck.choice(labels), luck.choice([None, 900, 2100, 7000]), luck.choice([0, 0, 600_000]))
            for _ in range(30)
        ]
        for person in (rater, other_rater)
    }
    enrolments = {person: read(study, person, answers[person]) for person in answers}

    by_enrolment = habits_of([each.pk for each in enrolments.values()], informed_from=1)

    assert by_enrolment == {enrolments[person].pk: counted(answers[person]) for person in answers}


def test_only_the_latest_answers_of_a_sitting_are_looked_at(monkeypatch, rater):
    monkeypatch.setattr("rating.reading.habits.LATEST", 4)
    study = open_study(raters=[rater])
    answers: Answers = [*[("real", 5000, 0)] * 2, *[("fake", 900, 0), ("unsure", 800, 0)] * 2]
    enrolment = read(study, rater, answers)

    assert habits_of([enrolment.pk], informed_from=1) == {enrolment.pk: counted(answers[2:])}


def test_before_raters_are_told_the_purpose_no_label_counts(rater):
    study = open_study(raters=[rater])
    enrolment = read(study, rater, [("real", 5000, 0)] * 6)

    [habits] = habits_of([enrolment.pk], informed_from=2).values()

    assert (habits.ratings, habits.labelled, habits.longest_run) == (6, 0, 0)


def test_flags_need_ten_ratings_and_name_no_label():
    hurried: Answers = [("real" if n % 2 else "fake", 500, 0) for n in range(20)]
    away: Answers = [("real" if n % 2 else "fake", 9_000, 700_000 if n == 3 else 0) for n in range(20)]

    assert flags(counted(hurried[:9])) == []
    assert [flag.split(":")[0] for flag in flags(counted(hurried))] == ["too fast"]
    assert [flag.split(":")[0] for flag in flags(counted(away))] == ["long idle"]
    assert [flag.split(":")[0] for flag in flags(counted([("fake", 9_000, 0)] * 20))] == ["straight-lining"]


def test_the_page_asks_as_much_of_thirty_raters_as_of_two_and_shows_some_at_a_time(client_of, researcher):
    browser = client_of(researcher)
    people = [User.objects.create_user(f"reader{n}@example.org") for n in range(30)]
    studies = {n: open_study(f"Of {n}", raters=people[:n], real=1, fake=1) for n in (2, 30)}
    queries = {}
    for n, study in studies.items():
        address = reverse("rating:raters", args=[study.slug])
        browser.get(address)
        with CaptureQueriesContext(connection) as asked:
            page = browser.get(address)
        queries[n] = len(asked)

    assert queries[30] == queries[2]
    assert len(page.context["rows"]) == 25
    assert len(browser.get(address, {"page": 2}).context["rows"]) == 5
