from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from rating.ordering import MAX_RUN, make_order, seed_for, smallest_run_bound

classes_of_a_study = st.lists(st.sampled_from(["real", "synthetic"]), max_size=80)
seeds = st.integers(0, 2**63 - 1)


def longest_run(classes: list[str]) -> int:
    return max((len(list(run)) for _, run in groupby(classes)), default=0)


@given(classes_of_a_study, seeds)
def test_an_order_shows_every_image_once(classes, seed):
    order = make_order(classes, seed)

    assert sorted(order) == list(range(len(classes)))


@given(classes_of_a_study, seeds)
def test_no_class_runs_longer_than_the_bound(classes, seed):
    order = make_order(classes, seed)

    assert longest_run([classes[item] for item in order]) <= max(MAX_RUN, smallest_run_bound(classes))


@given(classes_of_a_study, seeds, st.integers(1, 3))
def test_a_tight_bound_is_kept_or_the_smallest_possible(classes, seed, max_run):
    order = make_order(classes, seed, max_run=max_run)

    assert longest_run([classes[item] for item in order]) <= max(max_run, smallest_run_bound(classes))


@given(classes_of_a_study, seeds)
def test_the_same_seed_gives_the_same_order(classes, seed):
    assert make_order(classes, seed) == make_order(classes, seed)


@given(seeds)
def test_raters_and_sessions_have_seeds_of_their_own(study_seed):
    sittings = [(rater, session) for rater in range(1, 30) for session in (1, 2)]

    seeds_used = {seed_for(study_seed, rater, session) for rater, session in sittings}

    assert len(seeds_used) == len(sittings)
    assert all(0 <= seed < 2**63 for seed in seeds_used)


def test_every_place_is_as_likely_real_as_the_study_is():
    classes = ["real"] * 10 + ["synthetic"] * 10
    n = 4000

    real_at = [0] * 20
    for seed in range(n):
        for position, item in enumerate(make_order(classes, seed)):
            real_at[position] += classes[item] == "real"

    # Half of 4000 with a standard error of 32: five of them leave room for 20 places.
    assert all(abs(count - n / 2) < 160 for count in real_at)


def test_two_raters_get_different_orders():
    classes = ["real"] * 20 + ["synthetic"] * 20

    assert make_order(classes, seed_for(7, 1, 1)) != make_order(classes, seed_for(7, 2, 1))
