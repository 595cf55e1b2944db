"""The arena's numbers against published examples, closed forms and counts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy

from pool.canonical.typed_json import as_json, from_json
from rating.statistics.arena.answers import Answers
from rating.statistics.arena.bradley_terry import Comparisons
from rating.statistics.arena.results import ArenaResults, arena_results
from rating.statistics.arena.strengths import strengths
from rating.statistics.planning import arena_power

from .worked import example
from .worked_more import comparisons_of

Row = tuple[int, int, int, int, int]  # rater, pair, first, second, chosen


def answers_of(rows: Sequence[Row], generators: str, raters: int = 1) -> Answers:
    return as_answers(rows, tuple(generators), raters)


def as_answers(rows: Sequence[Row], generators: tuple[str, ...], raters: int) -> Answers:
    rater, pair, first, second, chosen = np.array(rows, dtype=np.int64).T
    names = tuple(f"R{number:02}" for number in range(1, raters + 1))
    return Answers(names, generators, rater, pair, first, second, chosen, side=chosen)


def one_by_one(choices: Comparisons) -> Answers:
    """Each choice a row, and each pair of images by itself."""
    rows: list[Row] = []
    columns = (choices.first_chosen, choices.second_chosen, choices.tied)
    for place in range(len(choices.first)):
        for outcome, column in enumerate(columns):
            for _ in range(int(column[place])):
                at = int(choices.rater[place]), int(choices.first[place]), int(choices.second[place])
                rows.append((at[0], len(rows), at[1], at[2], outcome))
    return as_answers(rows, choices.items, int(choices.rater.max()) + 1)


@pytest.mark.parametrize("name", ["baseball-1987", "bt-four-generators", "davidson-four", "davidson-three"])
def test_strengths_are_those_of_the_worked_examples(name):
    worked = example(name)

    numbers = strengths(one_by_one(comparisons_of(worked["data"])))

    expected = worked["expected"]
    log_abilities = [row.these_raters.estimate or 0.0 for row in numbers.strengths]
    if "log_ability_centred" in expected:
        assert log_abilities == pytest.approx(expected["log_ability_centred"], abs=1e-6)
    if "log_ability_first_zero" in expected:
        assert [value - log_abilities[0] for value in log_abilities] == pytest.approx(
            expected["log_ability_first_zero"], abs=1e-6
        )
    if "log_nu" in expected:
        assert numbers.log_tie is not None
        assert numbers.log_tie.estimate == pytest.approx(expected["log_nu"], abs=1e-6)


def test_of_two_generators_the_strength_is_the_log_odds_of_a_share():
    rows = [(0, pair, 0, 1, int(pair >= 14)) for pair in range(20)]

    contest = strengths(answers_of(rows, "AB")).contests[0]

    log_odds = contest.these_raters.log_odds
    assert log_odds.estimate == pytest.approx(math.log(14 / 6))
    assert log_odds.se == pytest.approx(math.sqrt((1 / 14 + 1 / 6) * 20 / 19))
    assert contest.these_raters.share.estimate == pytest.approx(0.7)
    assert contest.raters_like_these.log_odds.ci is None


def test_raters_who_answer_alike_add_nothing_to_what_the_pairs_say():
    alone = [(0, pair, 0, 1, int(pair >= 14)) for pair in range(20)]
    four = [(rater, *row[1:]) for rater in range(4) for row in alone]

    lone, all_four = (strengths(answers_of(rows, "AB", 4)).contests[0] for rows in (alone, four))

    assert all_four.these_raters.log_odds.se == pytest.approx(lone.these_raters.log_odds.se)
    assert all_four.raters_like_these.log_odds.se == pytest.approx(lone.these_raters.log_odds.se)


def test_who_is_never_chosen_has_counts_and_no_strength():
    rows = [(0, pair, 0, 1, 0) for pair in range(5)]

    numbers = strengths(answers_of(rows, "AB"))

    assert [(row.chosen, row.beaten) for row in numbers.strengths] == [(5, 0), (0, 5)]
    assert numbers.strengths[0].these_raters.estimate is None
    assert numbers.reason


def test_a_circle_is_counted_and_does_not_fit_one_scale():
    around = ((0, 1), (1, 2), (2, 0))
    rows = [(0, 10 * at + n, i, j, int(n >= 8)) for at, (i, j) in enumerate(around) for n in range(10)]

    standing = arena_results(answers_of(rows, "ABC")).standing

    assert standing is not None
    assert standing.fit is not None
    assert (standing.fit.circles, standing.fit.triples) == (1, 1)
    assert standing.fit.g2 == pytest.approx(3 * 2 * (8 * math.log(8 / 5) + 2 * math.log(2 / 5)))
    assert standing.fit.df == 1


@pytest.mark.parametrize(("opposed", "p"), [(True, 1 / 1000), (False, 1.0)])
def test_raters_of_two_minds_are_seen_and_raters_of_one_are_not(opposed, p):
    rows = [(rater, pair, 0, 1, (rater if opposed else pair) % 2) for rater in range(4) for pair in range(20)]

    standing = arena_results(answers_of(rows, "AB", 4)).standing

    assert standing is not None
    assert standing.differ is not None
    assert standing.differ.p == pytest.approx(p)


def test_a_blinded_arena_has_sides_and_ties_alone_and_all_of_it_travels_as_json():
    rows = [(rater, pair, 0, 1, pair % 3) for rater in range(3) for pair in range(12)]
    unblinded, blind = (arena_results(answers_of(rows, names, 3)) for names in ("AB", ""))

    assert blind.standing is None
    assert (blind.answers, blind.pairs, blind.ties) == (36, 12, 12)
    assert [(row.left, row.right, row.tied) for row in blind.sides] == [(4, 4, 4)] * 3
    assert from_json(ArenaResults, json.loads(json.dumps(as_json(unblinded)))) == unblinded


def test_the_planned_power_is_the_level_of_the_test_where_both_are_alike_and_grows_with_all_that_helps():
    assert arena_power(0.5, 0.1, 0.3, 5, 40) == pytest.approx(0.05)
    assert arena_power(0.4, 0.1, 0.3, 5, 40) == pytest.approx(arena_power(0.6, 0.1, 0.3, 5, 40))
    base = arena_power(0.65, 0.1, 0.3, 5, 40)
    assert base < min(arena_power(0.65, 0.1, 0.3, 8, 40), arena_power(0.65, 0.1, 0.3, 5, 80))
    assert base < min(arena_power(0.65, 0.05, 0.3, 5, 40), arena_power(0.65, 0.1, 0.1, 5, 40))
    # Raters and pairs without a spread of their own: Student's t of so many binomial shares.
    shift = 0.15 / math.sqrt(0.65 * 0.35 / 200)
    critical = scipy.stats.t.isf(0.025, 4)
    expected = scipy.stats.nct.sf(critical, 4, shift) + scipy.stats.nct.cdf(-critical, 4, shift)
    assert arena_power(0.65, 0, 0, 5, 40) == pytest.approx(expected)
