"""Raters against the truth: known raters are recovered, and what a design cannot say is said."""

from math import log

import numpy as np
import pytest
from scipy import stats

from rating.statistics import LABELS, RatingsError, RatingsTable
from rating.statistics.accuracy.detection import detection
from rating.statistics.accuracy.diagnostic_accuracy import diagnostic_accuracy, scale
from rating.statistics.accuracy.equivalence import tost
from rating.statistics.accuracy.roc import auc, compare, curve
from rating.statistics.accuracy.unsure import accuracy_by_policy, correct
from rating.statistics.agreement.intra import intra_rater, pooled_self_agreement
from rating.statistics.agreement.random_raters import random_raters
from rating.statistics.estimate import TWO_RATERS, Estimate
from rating.statistics.mrmc import obuchowski_rockette, ustatistic
from rating.statistics.mrmc.paired import cochran_q, holm, mcnemar
from rating.statistics.times import blocks, quartiles
from rating.statistics.trends import group_difference, rank_correlation, slope_over_position

pytestmark = pytest.mark.filterwarnings("error")

REAL, FAKE, UNSURE = range(3)


def table(*rows: list[int]) -> RatingsTable:
    codes = np.array(rows, dtype=np.int8)
    raters, images = (
        tuple(f"{letter}{n}" for n in range(size)) for letter, size in zip("RI", codes.shape, strict=True)
    )
    return RatingsTable(raters, images, LABELS, codes)


def simulated(raters: int, images: int, seed: int) -> tuple[RatingsTable, list[str]]:
    """Raters who see a fake with d′ = 1.2, an unbiased criterion, and are unsure one time in ten."""
    rng = np.random.default_rng(seed)
    truth = ["fake" if n % 2 else "real" for n in range(images)]
    evidence = rng.normal(size=(raters, images)) + 0.6 * np.where(np.array(truth) == "fake", 1, -1)
    codes = np.where(evidence > 0, FAKE, REAL)
    codes[rng.random(codes.shape) < 0.1] = UNSURE
    return table(*codes.tolist()), truth


def test_the_table_and_the_rates_of_one_rater() -> None:
    truth = ["real", "real", "real", "fake", "fake", "fake", ""]

    (found,) = diagnostic_accuracy(table([REAL, FAKE, UNSURE, FAKE, REAL, FAKE, FAKE]), truth)

    assert found.table == {
        "real": {"real": 1, "fake": 1, "unsure": 1},
        "fake": {"real": 1, "fake": 2, "unsure": 0},
    }
    assert found.fool_rate.estimate == pytest.approx(1 / 3)
    assert found.sensitivity.estimate == pytest.approx(2 / 3)
    assert found.specificity.estimate == pytest.approx(1 / 3)  # the unsure one counts as wrong
    assert found.unsure_rate["real"].estimate == pytest.approx(1 / 3)
    assert found.auc.estimate == pytest.approx((0.5 + 2.5 + 2.5) / 9)


def test_a_rater_without_images_of_a_kind_is_told_apart_from_a_study_without_them() -> None:
    none, no_fake, only_unsure = diagnostic_accuracy(
        table([-1, -1, -1, -1], [REAL, FAKE, -1, -1], [REAL, REAL, UNSURE, UNSURE]),
        ["real", "real", "fake", "fake"],
        policy="exclude",
    )

    numbers = (none.fool_rate, none.sensitivity, none.specificity, none.auc, none.detection.fake.d)
    assert {number.reason for number in numbers} == {"This rater rated no image."}
    assert no_fake.fool_rate.reason == no_fake.auc.reason == "This rater rated no fake image."
    assert no_fake.specificity.estimate == 0.5
    assert only_unsure.sensitivity.reason == "This rater called every fake image unsure, which is left out."
    assert only_unsure.fool_rate.estimate == 0.0


def test_an_all_fake_study_has_a_fool_rate_and_a_sentence_for_the_rest() -> None:
    (found,) = diagnostic_accuracy(table([REAL, FAKE, FAKE, UNSURE]), ["fake"] * 4)

    assert found.fool_rate.estimate == 0.25
    for undefined in (found.specificity, found.detection.fake.d, found.detection.fake.criterion, found.auc):
        assert undefined.estimate is None
        assert undefined.reason is not None
        assert "no real images" in undefined.reason


def test_simulated_raters_are_recovered_within_their_intervals() -> None:
    ratings, truth = simulated(raters=6, images=600, seed=3)

    found = diagnostic_accuracy(ratings, truth, policy="exclude")

    share = stats.norm.cdf(0.6)
    hits, alarms = (
        stats.norm.ppf(0.9 * stats.norm.cdf(edge)) for edge in (0.6, -0.6)
    )  # one in ten is unsure
    for rater in found:
        d, criterion = rater.detection.fake.d, rater.detection.fake.criterion
        assert d.estimate is not None
        assert criterion.estimate is not None
        assert abs(d.estimate - (hits - alarms)) < 3.3 * (d.se or 0)
        assert abs(criterion.estimate + (hits + alarms) / 2) < 3.3 * (criterion.se or 0)
    low, high = accuracy_by_policy(ratings, truth)["exclude"].estimate.ci or (1, 0)
    assert low < share < high


def test_the_four_policies_stand_side_by_side() -> None:
    truth = ["fake", "fake", "real", "real"]
    ratings = table([FAKE, UNSURE, REAL, FAKE], [FAKE, UNSURE, UNSURE, REAL])

    found = {name: one.estimate.estimate for name, one in accuracy_by_policy(ratings, truth).items()}

    assert found == pytest.approx({"exclude": 4 / 5, "wrong": 4 / 8, "right": 7 / 8, "half": 5.5 / 8})
    assert accuracy_by_policy(ratings, truth, only="fake")["wrong"].estimate.estimate == 0.5


def test_a_label_set_without_unsure_has_one_policy_in_effect() -> None:
    outcomes, counted = correct(np.array([[0, 1, -1]], np.int8), np.array([0, 0, 1]), None, "half")

    assert outcomes[0, :2].tolist() == [1, 0]
    assert counted.tolist() == [[True, True, False]]


def test_a_truth_that_is_no_truth_is_refused() -> None:
    with pytest.raises(RatingsError, match="'unsure' is not one of"):
        diagnostic_accuracy(table([REAL]), ["unsure"])
    with pytest.raises(RatingsError, match="for each image"):
        diagnostic_accuracy(table([REAL]), [])


def test_the_scale_puts_unsure_between_real_and_fake() -> None:
    assert scale(np.array([0, 1, 2, -1], np.int8), LABELS).tolist() == [0, 2, 1, -1]


def test_generators_on_different_images_are_compared_over_raters() -> None:
    rng = np.random.default_rng(5)
    called_real = (rng.random((8, 80)) < np.where(np.arange(80) < 40, 0.3, 0.7)).astype(float)
    first = np.arange(80) < 40
    everyone = np.ones((8, 1), dtype=np.bool_)

    found = ustatistic.mean_difference(called_real, everyone & first, called_real, everyone & ~first)

    low, high = found.estimate.ci or (0, 0)
    assert low < -0.4 < high
    assert high < 0


def test_a_perfect_rater_has_an_auc_of_one_with_an_exact_bound() -> None:
    found = auc([0] * 10 + [1] * 12, [0] * 10 + [1] * 12)

    assert (found.estimate, found.se) == (1, None)
    assert found.ci == pytest.approx((0.025 ** (1 / 10), 1))


def test_the_roc_curve_has_the_auc_under_it() -> None:
    rng = np.random.default_rng(1)
    truth, scores = rng.integers(0, 2, 60), rng.integers(0, 5, 60)

    alarms, hits = curve(truth, scores)

    assert (alarms[0], hits[0], alarms[-1], hits[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(hits, alarms) == pytest.approx(auc(truth, scores).estimate)


def test_two_identical_scores_do_not_differ_and_have_no_test() -> None:
    truth, scores = [0, 0, 0, 1, 1, 1], [1, 2, 3, 2, 3, 4]

    found = compare(truth, scores, scores)

    assert found.difference.estimate == 0
    assert (found.z, found.p) == (None, None)
    assert found.difference.reason


def test_equivalence_needs_the_whole_90_percent_interval_inside_the_margin() -> None:
    inside, wide = tost(Estimate(0.5, 0.02), 0.45, 0.55, df=10), tost(Estimate(0.5, 0.05), 0.45, 0.55, df=10)

    off_centre = tost(Estimate(0.52, 0.02), 0.45, 0.55, df=10)

    assert inside.equivalent
    assert inside.p == pytest.approx(stats.t.sf(2.5, 10))
    assert off_centre.p == pytest.approx(stats.t.sf(1.5, 10))
    assert off_centre.equivalent is False
    half = stats.t.ppf(0.95, 10) * 0.02
    assert inside.ci == pytest.approx((0.5 - half, 0.5 + half))
    assert wide.equivalent is False
    assert tost(Estimate(0.5, reason="One rater."), 0.4, 0.6).reason == "One rater."
    with pytest.raises(ValueError, match="margin"):
        tost(Estimate(0.5, 0.02), 0.6, 0.4)


def test_agreement_for_raters_like_these_is_less_certain_than_for_these() -> None:
    ratings, _ = simulated(raters=5, images=60, seed=8)
    two = RatingsTable(ratings.raters[:2], ratings.images, LABELS, ratings.codes[:2])

    wide = random_raters(ratings)["fleiss_kappa"]

    narrow = random_raters(two)["fleiss_kappa"]
    assert narrow.se is None
    assert narrow.reason is not None
    assert "these raters only" in narrow.reason
    assert wide.se is not None
    assert wide.ci is not None
    assert wide.se > 0


def test_repeats_tell_how_far_a_rater_agrees_with_himself() -> None:
    first = np.array([[0, 1, 2, 1, -1], [0, 0, 0, -1, -1]], np.int8)
    again = np.array([[0, 1, 1, 1, 0], [-1, -1, -1, -1, -1]], np.int8)

    steady, unknown = intra_rater(["A", "B"], first, again, 3)

    assert (steady.n, steady.same.estimate) == (4, 0.75)
    assert steady.kappa.kappa.estimate == pytest.approx(1 - 0.25 / (1 - (1 / 16 + 6 / 16)))
    assert unknown.same.estimate is None
    assert unknown.kappa.kappa.reason


def test_times_are_medians_and_quartiles() -> None:
    assert quartiles([1, 2, 3, 4, 100]).median == 3
    assert (quartiles([1, 2, 3, 4, 5]).q1, quartiles([1, 2, 3, 4, 5]).q3) == (2, 4)
    assert quartiles([]).median is None
    assert blocks(range(1, 9)) == ["1", "1", "2", "2", "3", "3", "4", "4"]


def test_a_trend_along_the_sitting_is_taken_rater_by_rater() -> None:
    place = np.tile(np.arange(1, 21), (3, 1))
    slower = (
        log(2) * (place - 1) / 19 + np.array([[0.0], [3.0], [9.0]]) + 0.01 * np.array([[1], [2], [4]]) * place
    )
    has_answer = np.ones(place.shape, dtype=np.bool_)

    found = slope_over_position(slower, place, has_answer)

    assert found.estimate == pytest.approx(log(2) + 19 * 0.07 / 3)
    slopes = [log(2) + 19 * step for step in (0.01, 0.02, 0.04)]
    assert found.ci == pytest.approx(stats.ttest_1samp(slopes, 0).confidence_interval())
    assert slope_over_position(slower, place, ~has_answer).reason
    assert slope_over_position(slower[:1], place[:1], has_answer[:1]).se is None


def test_experience_is_a_rank_correlation_and_a_difference_of_groups() -> None:
    years, rate = [1, 4, 6, 9, 20], [0.5, 0.6, 0.55, 0.7, 0.8]

    assert rank_correlation(rate, years).estimate == pytest.approx(stats.spearmanr(rate, years).statistic)
    z, half = np.arctanh(0.9), 1.959964 * np.sqrt((1 + 0.9**2 / 2) / 2)
    assert rank_correlation(rate, years).ci == pytest.approx((np.tanh(z - half), np.tanh(z + half)))
    assert rank_correlation([1, 1, 1, 1], [1, 2, 3, 4]).estimate is None
    expected = stats.ttest_ind([0.5, 0.6, 0.7], [0.8, 0.9], equal_var=False).confidence_interval()
    assert group_difference([0.5, 0.6, 0.7], [0.8, 0.9]).ci == pytest.approx((expected.low, expected.high))
    assert group_difference([0.5], [0.8, 0.9]).se is None


def test_paired_tests_say_when_there_is_nothing_to_test() -> None:
    assert mcnemar([[5, 0], [0, 5]]).reason
    assert cochran_q(np.ones((4, 3))).reason
    assert mcnemar([[1, 2], [8, 1]]).p_exact == pytest.approx(stats.binomtest(2, 10).pvalue)
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_cochrans_q_of_two_columns_is_mcnemar() -> None:
    rng = np.random.default_rng(2)
    outcomes = rng.integers(0, 2, (40, 2))
    pairs = np.zeros((2, 2))
    np.add.at(pairs, (outcomes[:, 0], outcomes[:, 1]), 1)

    assert cochran_q(outcomes).q == pytest.approx(mcnemar(pairs).chi2)


def test_two_raters_get_an_interval_with_a_warning_and_one_gets_none() -> None:
    ratings, truth = simulated(raters=3, images=80, seed=4)
    fake, levels = np.array(truth) == "fake", scale(ratings.codes, LABELS)

    by_count = {n: ustatistic.auc(fake, levels[:n]).estimate for n in (1, 2, 3)}
    crossed = obuchowski_rockette.average_reader(*obuchowski_rockette.auc_moments(fake, levels[None, :2]))[
        0
    ].estimate

    assert by_count[1].se is None
    assert by_count[2].ci is not None
    assert by_count[2].reason == crossed.reason == TWO_RATERS
    assert by_count[3].reason is None


def test_a_paired_difference_is_the_mean_of_the_differences_with_its_df() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.integers(0, 2, (2, 5, 30)).astype(float)
    everything = np.ones(first.shape, dtype=np.bool_)

    found = ustatistic.mean_difference(first, everything, second, everything)

    expected = ustatistic.mean(first - second, everything)
    assert found.estimate.estimate == pytest.approx(expected.estimate.estimate)
    assert found.estimate.se == pytest.approx(expected.estimate.se)
    assert found.df == pytest.approx(expected.df)


def test_on_complete_data_both_ways_to_average_over_raters_nearly_agree() -> None:
    ratings, truth = simulated(raters=6, images=200, seed=12)
    right = ratings.codes == np.where(np.array(truth) == "fake", FAKE, REAL)

    by_variances = obuchowski_rockette.average_reader(*obuchowski_rockette.proportion_moments(right[None]))[
        0
    ].estimate
    by_moments = ustatistic.mean(right, np.ones(right.shape, dtype=np.bool_)).estimate

    assert by_variances.estimate == pytest.approx(by_moments.estimate)
    assert by_variances.se == pytest.approx(by_moments.se, rel=0.03)


def test_the_criterion_is_half_as_uncertain_as_d_prime_and_leans_with_the_rater() -> None:
    eager, slow = detection(18, 20, 12, 20), detection(8, 20, 2, 20)

    assert (eager.criterion.estimate or 0) < 0 < (slow.criterion.estimate or 0)
    assert eager.criterion.se == pytest.approx((eager.d.se or 0) / 2)
    assert detection(20, 20, 0, 20, correction="none").d.reason


def test_a_nested_difference_is_the_paired_one_without_common_images():
    rng = np.random.default_rng(3)
    x, y = rng.random((6, 20)), rng.random((6, 15))
    x_seen, y_seen = rng.random(x.shape) < 0.7, rng.random(y.shape) < 0.8
    both = np.concatenate([x, y], axis=1)

    nested = ustatistic.nested_difference(x, x_seen, y, y_seen).estimate
    paired = ustatistic.mean_difference(
        both,
        np.concatenate([x_seen, np.zeros_like(y_seen)], axis=1),
        both,
        np.concatenate([np.zeros_like(x_seen), y_seen], axis=1),
    ).estimate

    assert nested.estimate == pytest.approx(paired.estimate)
    assert nested.se == pytest.approx(paired.se)


def test_two_raters_who_err_together_on_repeats_are_worth_one():
    first = np.tile(np.arange(40) % 3, (2, 1)).astype(np.int8)
    again = first.copy()
    again[:, :10] = (again[:, :10] + 1) % 3

    both = pooled_self_agreement(first, again, 3).same

    assert both.primary.estimate == pytest.approx(0.75)
    assert both.primary.se == pytest.approx(np.sqrt(0.75 * 0.25 / 39))


def test_a_repeat_that_was_not_rated_counts_for_nobody():
    first = np.array([[0, 1, 2], [0, 1, 2]], np.int8)
    again = np.array([[0, 1, -1], [-1, 1, 0]], np.int8)

    assert pooled_self_agreement(first, again, 3).same.estimate.estimate == pytest.approx(3 / 4)
