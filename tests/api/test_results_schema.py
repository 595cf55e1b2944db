"""The document's account of a study's results, which is derived from their dataclasses, held against what studies really give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.membership.models import Part
from rating.models import Study
from tests.api.callers import caller
from tests.api.described import document, faults
from tests.rating.arenas import answer_arena, open_arena
from tests.rating.cast import organiser, over_study

pytestmark = pytest.mark.django_db
# A study of every kind that has numbers of its own.
KINDS: dict[str, dict[str, Any]] = {
    "blinded": {"unblinded": False},
    "unblinded": {"unblinded": True},
    "all fake": {"unblinded": True, "real": 0, "fake": 4},
    "marks": {"unblinded": True, "marks": True},
    "repeats": {"unblinded": True, "repeats": 2, "repeat_gap": 1},
}


def results_of(study: Study, researcher: Any) -> Any:
    return caller(researcher).get(f"/api/v1/studies/{study.slug}/results").json()


def test_the_document_names_the_type_of_results_and_of_every_part():
    answer = document()["paths"]["/api/v1/studies/{slug}/results"]["get"]["responses"]["200"]

    reference = answer["content"]["application/json"]["schema"]
    assert reference == {"$ref": "#/components/schemas/StudyResults"}
    references = json.dumps(document()).split('"$ref": "#/components/schemas/')[1:]
    assert {each.split('"')[0] for each in references} <= document()["components"]["schemas"].keys()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_study_gives_has_the_keys_and_types_that_the_document_says(
    kind, researcher, rater, other_rater
):
    study = over_study(raters=[rater, other_rater], **KINDS[kind])

    results = results_of(study, researcher)

    assert faults("StudyResults", results) == []
    assert (results["truth"] is None) == (kind == "blinded")


def test_an_arena_does_too(researcher, rater, other_rater):
    study = open_arena(raters=[rater, other_rater])
    study.share_with(researcher, Part.OWNER)
    for person in (rater, other_rater):
        answer_arena(study, person, {"A": 1, "B": 2}, ties=1)
    study.close(organiser())
    study.unblind(organiser(), "All have read.")

    results = results_of(study, researcher)

    assert faults("StudyResults", results) == []
    assert results["arena"] is not None


def test_a_key_more_a_key_less_and_a_wrong_type_are_faults(researcher, rater, other_rater):
    results = results_of(over_study(raters=[rater, other_rater], unblinded=True), researcher)
    estimate = results["truth"]["fool_rate"]
    less = {**results, "truth": {key: each for key, each in results["truth"].items() if key != "curves"}}
    wrong = {**results, "truth": {**results["truth"], "fool_rate": {**estimate, "estimate": "0.5"}}}

    assert faults("StudyResults", {**results, "more": 1})
    assert faults("StudyResults", less)
    assert faults("StudyResults", wrong)
