"""An operation that waits on another server holds no transaction, and what is refused is refused before a byte leaves."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from accounts.roles import Role
from pool.models import DicomwebSource
from tests.api.callers import caller, post
from tests.audit.tampering import as_superuser
from tests.rating.cast import over_study

EXPORTS = ("results", "ratings.csv", "machines.csv", "remarks.csv", "ratings.parquet", "report.html")


@pytest.mark.django_db(transaction=True)
def test_a_search_of_a_pacs_holds_no_transaction_while_it_waits(monkeypatch):
    researcher = User.objects.create_user("searcher@example.org", role=Role.RESEARCHER)
    source = DicomwebSource.objects.create(name="Archive", base_url="https://pacs.example.org")
    in_transaction: list[bool] = []

    def search(*_arguments: object) -> list[object]:
        in_transaction.append(connection.in_atomic_block)
        return []

    monkeypatch.setattr("pool.dicomweb.api.matching_series", search)
    answer = post(caller(researcher), f"/api/v1/dicomweb-sources/{source.pk}/search", {"modality": "CT"})

    assert answer.status_code == 200, answer.content
    assert in_transaction == [False]


@pytest.mark.django_db
def test_ratings_changed_outside_the_trail_are_a_problem_and_no_beginning_of_a_file(researcher, rater):
    study = over_study(raters=[rater], unblinded=True)
    as_superuser("UPDATE rating_rating SET label = 'unsure' WHERE id = (SELECT min(id) FROM rating_rating)")
    program = caller(researcher)

    answers: dict[str, Any] = {name: program.get(f"/api/v1/studies/{study.slug}/{name}") for name in EXPORTS}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(EXPORTS, 409)
    assert all("not what its rater last saved" in answer.json()["detail"] for answer in answers.values())
