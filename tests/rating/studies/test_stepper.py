"""The way of a study, and who of its raters holds it up."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from rating.studies.stepper import QUIET_AFTER, pace, sentence_on_raters, steps
from tests.rating.cast import draft_study, open_study

NOW = timezone.now()


@pytest.mark.django_db
def test_an_open_study_has_two_steps_behind_it_and_two_before_it(rater):
    way = list(steps(open_study(raters=[rater])))

    assert [step.is_done for step in way] == [True, True, False, False, False]
    assert [step.is_current for step in way] == [False, False, True, False, False]
    assert [step.at is None for step in way] == [False, False, False, True, True]


@pytest.mark.django_db
def test_a_draft_stands_at_its_first_step():
    assert [step.is_current for step in steps(draft_study())] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("rated", "ago", "expected"),
    [
        (4, timedelta(days=9), "finished"),
        (0, None, "not begun"),
        (2, QUIET_AFTER + timedelta(hours=1), "quiet"),
        (2, timedelta(hours=1), "reading"),
    ],
)
def test_the_pace_of_a_rater(rated, ago, expected):
    last = None if ago is None else NOW - ago
    enrolment = SimpleNamespace(presentation_count=4, rated_count=rated, last_rated_at=last)

    assert pace(enrolment, NOW) == expected


def test_the_sentence_names_those_who_hold_up_the_study():
    paces = [("R01", "finished"), ("R02", "quiet"), ("R03", "reading"), ("R04", "not begun")]

    assert (
        sentence_on_raters(paces)
        == "1 of 4 raters has finished. Quiet for three days or not begun: R02, R04."
    )
