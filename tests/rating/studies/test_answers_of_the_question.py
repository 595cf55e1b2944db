"""The database takes no answer that the session's question does not have."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from rating.models import Label, Presentation, Rating
from tests.rating.cast import open_study, presentations

pytestmark = pytest.mark.django_db

DESIGNS: dict[str, dict[str, Any]] = {
    "single": {},
    "two-phase": {"sessions": 2, "washout_days": 0, "name": "Chest films"},
    "pair": {"real": 2, "fake": 2},
    "quartet": {"real": 2, "fake": 6},
}


def takes(presentation: Presentation, label: str) -> bool:
    """Whether the database would; nothing is left behind."""
    try:
        with transaction.atomic():
            # Read anew: the row in hand would remember the rating that was rolled back.
            Rating.record(Presentation.objects.get(pk=presentation.pk), uuid.uuid4(), label=label)
            transaction.set_rollback(True)
    except IntegrityError:
        return False
    return True


@pytest.mark.parametrize("design", sorted(DESIGNS))
def test_a_session_takes_the_answers_of_its_question_and_no_other(rater, design):
    study = open_study(raters=[rater], design=design, primary_endpoint="accuracy", **DESIGNS[design])

    for session in range(1, study.sessions + 1):
        first = presentations(study, rater, session)[0]
        taken = [label for label in Label.values if takes(first, label)]

        assert set(taken) == set(study.question(session).values)


def test_nor_is_an_answer_made_another_question_s_afterwards(rater):
    study = open_study(raters=[rater])
    Rating.record(presentations(study, rater)[0], uuid.uuid4(), label="fake")

    with pytest.raises(IntegrityError, match="is no answer"), transaction.atomic():
        Rating.objects.update(label="unusual")
