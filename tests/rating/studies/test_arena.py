"""An arena: who meets whom, on which side, and what is asked."""

from __future__ import annotations

import uuid
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import assume, given
from hypothesis import strategies as st

from rating.blinding.freeze_runner import FreezeSteps
from rating.models import Enrolment, Freeze, Rating, Study
from rating.reading.payload import feedback
from rating.studies.presets import TEMPLATES
from rating.studies.protocol_file import protocol_of
from rating.studies.sampling.pairing import ImpossiblePairsError, pairs_of, why_not_pairs
from tests.rating.arenas import REAL, competitors_shown, draft_arena, open_arena
from tests.rating.cast import presentations


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(0, 2**32))
def test_each_image_stands_in_one_pair_of_two_generators(counts, seed):
    assume(not why_not_pairs(counts))
    names = [name for name, count in zip("ABCDEF", counts, strict=False) for _ in range(count)]

    pairs = pairs_of(names, ["xray"] * len(names), np.random.default_rng(seed))

    assert sorted(place for pair in pairs for place in pair) == list(range(len(names)))
    assert all(names[a] != names[b] for a, b in pairs)


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 2**32))
def test_generators_of_one_number_meet_each_other_equally_often(generators, times, seed):
    names = [name for name in "ABCDEF"[:generators] for _ in range(times * (generators - 1))]

    pairs = pairs_of(names, ["xray"] * len(names), np.random.default_rng(seed))

    met = Counter(tuple(sorted((names[a], names[b]))) for a, b in pairs)
    assert met == dict.fromkeys(combinations("ABCDEF"[:generators], 2), times)


def test_images_of_a_pair_are_of_one_kind_and_kinds_together_are_balanced():
    names = [name for name in "ABC" for _ in range(30)]
    kinds = [number % 5 for _ in "ABC" for number in range(30)]

    pairs = pairs_of(names, kinds, np.random.default_rng(1))

    assert all(kinds[a] == kinds[b] for a, b in pairs)
    assert Counter(tuple(sorted((names[a], names[b]))) for a, b in pairs) == dict.fromkeys(
        combinations("ABC", 2), 15
    )


@pytest.mark.parametrize(("counts", "words"), [((3, 2), "odd"), ((9, 3, 2), "more of them than all others")])
def test_numbers_that_make_no_pairs_say_why(counts, words):
    names = [name for name, count in zip("ABC", counts, strict=False) for _ in range(count)]

    with pytest.raises(ImpossiblePairsError, match=words):
        pairs_of(names, ["xray"] * len(names), np.random.default_rng(0))


@pytest.mark.django_db
def test_every_rater_has_every_pair_with_each_generator_left_as_often_as_right(rater, other_rater):
    study = open_arena(
        counts={"A": 8, "B": 8, REAL: 8}, raters=[rater, other_rater], contender="A", opponent="B"
    )

    for person in (rater, other_rater):
        in_order = presentations(study, person)
        assert len(in_order) == 12
        left = Counter(tuple(competitors_shown(each)) for each in in_order)
        for first, second in combinations(["A", "B", REAL], 2):
            assert left[first, second] == left[second, first] == 2


@pytest.mark.django_db
def test_a_pair_may_have_one_finding(rater):
    study = open_arena(
        counts={"A": 6, "B": 6}, labels=("normal", "covid", "covid"), raters=[rater], match_findings=True
    )

    for each in presentations(study, rater):
        assert len({each.image_at(place).image.label for place in (1, 2)}) == 1


@pytest.mark.django_db
def test_findings_that_make_no_pairs_stop_the_freeze_with_a_sentence():
    study = draft_arena(counts={"A": 6, "B": 6}, match_findings=True)
    image = study.strata.get(dataset__name="Arena A").candidates().first()
    image.label = "covid"
    image.save(update_fields=["label"])

    freeze = Freeze.objects.create(study=study)
    freeze.perform()

    assert freeze.error.startswith("Main images: 1 images of X-ray, “covid” do not make pairs")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("counts", "protocol", "words"),
    [
        ({"A": 6}, {}, "two generators"),
        ({"A": 6, "B": 5}, {}, "their number is odd"),
        ({"A": 6, "B": 4}, {}, "more of them than all others"),
        ({"A": 4, "B": 4, "C": 4}, {}, "Declare which two"),
        ({"A": 4, "B": 4}, {"contender": "A", "opponent": "C"}, "No image of “C”"),
        ({"A": 4, "B": 4}, {"primary_endpoint": "auc"}, "nothing else: declare one of these"),
    ],
)
def test_what_is_no_arena_is_not_frozen(counts, protocol, words):
    reasons = draft_arena(counts=counts, **protocol).reasons_not_to_freeze()

    assert words in " ".join(reasons)


@pytest.mark.django_db
def test_the_number_of_queries_of_a_freeze_and_its_checks_does_not_grow_with_the_images():
    counts = []
    for name, each in (("Small", 4), ("Large", 40)):
        study = draft_arena(name, {"A": each, "B": each})
        steps = FreezeSteps(Freeze.objects.create(study=study))
        with CaptureQueriesContext(connection) as queries:
            assert study.reasons_not_to_freeze() == []
            steps.choose_images()
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.django_db
@pytest.mark.parametrize(("must_choose", "taken"), [(False, True), (True, False)])
def test_alike_is_an_answer_where_the_study_lets_it_be_one(rater, must_choose, taken):
    study = open_arena(raters=[rater], must_choose=must_choose)
    first = presentations(study, rater)[0]

    assert ("tie" in study.question(1).values) is taken
    if taken:
        Rating.record(first, uuid.uuid4(), label="tie")
    else:
        with pytest.raises(IntegrityError, match="is no answer"), transaction.atomic():
            Rating.record(first, uuid.uuid4(), label="tie")


@pytest.mark.django_db
def test_practice_teaches_nothing_of_generators(rater):
    study = draft_arena(counts={"A": 4, "B": 4})
    for stratum in list(study.strata.all()):
        stratum.count = 3
        stratum.save()
        study.strata.create(dataset=stratum.dataset, role="practice", count=1)
    Enrolment.enrol(study, rater).consent()
    Freeze.objects.create(study=study).perform()

    practice = [each for each in presentations(study, rater) if each.is_practice]

    assert len(practice) == 1
    with translation.override("en"):
        assert feedback(practice[0]) == "Practice: no answer is right or wrong here."


@pytest.mark.django_db
def test_an_arena_has_no_score_for_raters_and_one_generator_is_not_compared_with_itself():
    for fault in ({"debriefing": "score"}, {"contender": "A"}, {"contender": "A", "opponent": "A"}):
        with pytest.raises(ValidationError):
            Study(name="Arena", design="arena", **fault).full_clean()


@pytest.mark.django_db
def test_the_template_and_a_protocol_file_make_an_arena(tmp_path):
    draft_arena("First", {"A": 4, "B": 4}, must_choose=True, contender="A", opponent="B")
    file = tmp_path / "protocol.json"
    call_command("study", "export-protocol", "First", "-o", str(file))

    call_command("study", "create", "Second", "--from", str(file))
    call_command(
        "study",
        "create",
        "Third",
        "--template",
        "arena",
        "--repeats",
        "0",
        "--images",
        "First A=2",
        "--images",
        "First B=2",
    )

    first, second, third = (Study.objects.get(name=name) for name in ("First", "Second", "Third"))
    assert {**protocol_of(first), "name": ""} == {**protocol_of(second), "name": ""}
    assert third.design == TEMPLATES["arena"].protocol["design"] == "arena"
    assert third.reasons_not_to_freeze() == []
