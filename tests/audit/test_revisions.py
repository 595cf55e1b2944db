"""The revisions of each sitting are a chain of their own."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from rating.models import Rating, RatingRevision, Sitting
from tests.rating.cast import open_study, presentations, rate_all

pytestmark = pytest.mark.django_db


def test_two_raters_write_two_chains(rater, other_rater):
    study = open_study(raters=[rater, other_rater], going_back="any")
    first, *_ = presentations(study, rater)
    key = uuid.uuid4()
    Rating.record(first, key, label="real", remark="clear lungs")
    rate_all(study, other_rater, "fake")
    Rating.record(first, uuid.uuid4(), replaces=key, label="fake")

    chain = list(Sitting.objects.of(rater, study).get().revisions.order_by("chain_number"))

    assert [(each.chain_number, each.number, each.label) for each in chain] == [
        (1, 1, "real"),
        (2, 2, "fake"),
    ]
    other = Sitting.objects.of(other_rater, study).get().revisions
    assert list(other.order_by("chain_number").values_list("chain_number", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert len({each.sha256 for each in RatingRevision.objects.all()}) == 8


def test_nobody_empties_the_revisions(rater):
    rate_all(open_study(raters=[rater]), rater, "real")
    connection.check_constraints()

    for statement in ("TRUNCATE rating_ratingrevision", "TRUNCATE rating_study CASCADE"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
