"""Orders keep their rules for every seed, and do not tell what comes next."""

from collections import Counter
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating.studies.sittings.ordering import (
    MAX_RUN,
    STRETCH,
    ImpossibleOrderError,
    Showing,
    deal,
    make_order,
    seed_for,
    smallest_run_bound,
)

THOUSANDS = range(3000)
BALANCED = ["real", "synthetic"] * 20
classes_of_a_study = st.lists(st.sampled_from(["real", "synthetic"]), max_size=80)
seeds = st.integers(0, 2**63 - 1)


def items(order: list[Showing]) -> list[int]:
    return [showing.item for showing in order]


def longest_run(order: list[Showing], classes: list[str]) -> int:
    runs = groupby(classes[showing.item] for showing in order)
    return max((len(list(run)) for _, run in runs), default=0)


def gaps(order: list[Showing]) -> list[int]:
    """How many images stand between each image and its repeat."""
    first = {s.item: place for place, s in enumerate(order) if not s.is_repeat}
    return [place - first[s.item] - 1 for place, s in enumerate(order) if s.is_repeat]


@given(classes_of_a_study, seeds)
def test_an_order_shows_every_image_once(classes, seed):
    assert sorted(items(make_order(classes, seed))) == list(range(len(classes)))


@given(classes_of_a_study, seeds, st.integers(1, MAX_RUN))
def test_no_class_runs_longer_than_the_bound_or_the_smallest_possible(classes, seed, max_run):
    order = make_order(classes, seed, max_run=max_run)

    assert longest_run(order, classes) <= max(max_run, smallest_run_bound(classes))


@given(classes_of_a_study, seeds)
def test_the_same_seed_gives_the_same_order(classes, seed):
    assert make_order(classes, seed) == make_order(classes, seed)


@given(classes_of_a_study, seeds, st.integers(0, 20), st.integers(0, 30))
def test_repeats_come_once_and_far_enough_behind(classes, seed, repeats, gap):
    if repeats > max(0, len(classes) - gap):
        with pytest.raises(ImpossibleOrderError, match="do not fit"):
            make_order(classes, seed, repeats=repeats, gap=gap)
        return

    order = make_order(classes, seed, repeats=repeats, gap=gap)

    repeated = [showing.item for showing in order if showing.is_repeat]
    assert len(repeated) == len(set(repeated)) == repeats
    assert all(between >= gap for between in gaps(order))


def test_three_thousand_studies_with_repeats_keep_every_rule():
    for seed in THOUSANDS:
        order = make_order(BALANCED, seed, repeats=8, gap=12)

        assert Counter(items(order)).most_common()[-1][1] == 1
        assert len(order) == 48
        assert min(gaps(order)) >= 12
        assert longest_run(order, BALANCED) <= MAX_RUN


def test_every_stratum_is_spread_over_the_whole_order():
    strata = ["xray real"] * 48 + ["xray fake"] * 48 + ["ct real"] * 24 + ["ct fake"] * 24
    origins = [stratum.split()[1] for stratum in strata]
    stretches = len(strata) // STRETCH

    for seed in range(500):
        order = items(make_order(origins, seed, strata=strata))
        for start in range(0, len(order), len(order) // stretches):
            counts = Counter(strata[item] for item in order[start : start + len(order) // stretches])
            # An even share is 8 and 4; the bounded runs and unequal stretches move a few.
            assert abs(counts["xray real"] - 8) <= 4
            assert abs(counts["ct fake"] - 4) <= 3


def test_every_place_is_as_likely_real_as_the_study_is():
    real_at = Counter(
        place
        for seed in THOUSANDS
        for place, item in enumerate(items(make_order(BALANCED, seed)))
        if BALANCED[item] == "real"
    )

    # Half of 3000 with a standard error of 27: five of them leave room for 40 places.
    assert all(abs(real_at[place] - 1500) < 137 for place in range(40))


def test_what_was_just_shown_hardly_tells_what_comes_next():
    same = total = 0
    for seed in THOUSANDS:
        for one, other in pairwise(items(make_order(BALANCED, seed))):
            same += BALANCED[one] == BALANCED[other]
            total += 1

    # Drawing without replacement gives 0.487; the bound of four takes a little more away.
    assert 0.44 < same / total < 0.5


def test_a_study_of_one_origin_has_orders_too():
    order = make_order(["synthetic"] * 40, 7, strata=["xray"] * 20 + ["ct"] * 20, repeats=6, gap=10)

    assert len(order) == 46
    assert min(gaps(order)) >= 10


@given(seeds)
def test_raters_sessions_and_attempts_have_seeds_of_their_own(study_seed):
    sittings = [(r, s, a) for r in range(1, 20) for s in (1, 2) for a in (1, 2)]

    used = {seed_for(study_seed, *sitting) for sitting in sittings}

    assert len(used) == len(sittings)
    assert all(0 <= seed < 2**63 for seed in used)


def test_two_raters_and_two_sessions_get_different_orders():
    orders = [
        make_order(BALANCED, seed_for(7, rater, session)) for rater, session in [(1, 1), (2, 1), (1, 2)]
    ]

    assert orders[0] != orders[1] != orders[2] != orders[0]


@given(
    st.lists(st.sampled_from(["xray real", "xray fake", "ct fake"]), min_size=1, max_size=60),
    seeds,
    st.data(),
)
def test_blocks_are_of_one_size_and_anchors_are_what_was_asked_for(strata, seed, data):
    anchors = data.draw(st.integers(0, len(strata)))
    blocks = data.draw(st.integers(1, 6))

    block_of = deal(strata, seed, anchors=anchors, blocks=blocks)

    sizes = Counter(block_of)
    assert sizes[0] == anchors
    assert max(sizes[b] for b in range(1, blocks + 1)) - min(sizes[b] for b in range(1, blocks + 1)) <= 1


@given(seeds)
def test_anchors_and_blocks_hold_every_stratum_in_proportion(seed):
    strata = ["real"] * 40 + ["fake"] * 80

    block_of = deal(strata, seed, anchors=12, blocks=4)

    for block, fair in {0: 4, 1: 9, 2: 9, 3: 9, 4: 9}.items():
        real = sum(b == block for b, stratum in zip(block_of, strata, strict=True) if stratum == "real")
        assert abs(real - fair) <= 1
