"""Numbers for the very raters of a study: images sampled, raters fixed; what two raters are quoted with."""

import numpy as np
import pytest

from pool.placements import covariance, placements
from rating.statistics import LABELS, RatingsTable
from rating.statistics.accuracy.diagnostic_accuracy import ONLY_REALS, diagnostic_accuracy
from rating.statistics.accuracy.fool_rate import fool_rate
from rating.statistics.mrmc import fixed_raters, nested, ustatistic

pytestmark = pytest.mark.filterwarnings("error")
# Ali et al. 2022: twenty generated X-rays, the two radiologists' answers as far as their counts and overlaps allow.
FIRST = np.array([1] * 14 + [0] * 6)
SECOND = np.array([1] * 5 + [0] * 9 + [1] * 3 + [0] + [1] * 2)
CT = np.array([[1] * 3 + [0] * 17, [1] * 2 + [0] * 18])


def test_the_fool_rate_of_two_raters_is_for_these_two_and_not_from_0_to_1() -> None:
    calls = np.stack([FIRST, SECOND]) == 1

    rate = fool_rate(calls, np.ones_like(calls))

    assert rate.primary.estimate == pytest.approx(0.6)
    assert rate.primary.ci == pytest.approx((0.48, 0.72), abs=0.005)
    assert rate.primary_method == "these raters: images sampled, raters fixed"


def test_fakes_that_nobody_rated_are_told_apart_from_a_study_without_fakes() -> None:
    unrated, no_fakes = (fool_rate(none, none) for none in (np.zeros((2, 3), bool), np.zeros((2, 0), bool)))

    assert unrated.primary.reason == "Nobody rated any of these images."
    assert no_fakes.primary.reason == ONLY_REALS


def test_the_difference_of_two_modalities_read_by_two_raters_is_for_these_two() -> None:
    xray, ct = np.stack([FIRST, SECOND]) == 1, CT == 1

    difference = nested.of_shares(ct, np.ones_like(ct), xray, np.ones_like(xray))

    assert difference.estimate.estimate == pytest.approx(-0.475)
    assert difference.estimate.ci == pytest.approx((-0.66, -0.29), abs=0.005)


def test_near_the_boundary_the_interval_stays_between_0_and_1() -> None:
    share = fixed_raters.share(CT, np.ones(CT.shape, dtype=np.bool_))

    assert share
    low, high = share.estimate().ci or (0, 1)
    assert 0 < low < 0.125 < high < 1


def test_with_everybody_reading_all_the_variance_is_delongs_of_the_mean_area() -> None:
    rng = np.random.default_rng(4)
    fake = np.arange(50) < 20
    levels = np.clip(np.round(rng.normal(fake * 0.8 + 1, 0.8, (4, 50))), 0, 2).astype(np.int64)

    area = fixed_raters.area(fake, levels)

    matrix = covariance([placements(row[~fake], row[fake]) for row in levels])
    assert area
    se, _df = area.dispersion()
    assert se**2 == pytest.approx(float(matrix.mean()))


def test_raters_who_never_change_their_answer_have_no_interval_and_no_sentence_of_any() -> None:
    fake = np.arange(40) < 20
    levels = np.stack([np.zeros(40, dtype=np.int64), np.full(40, 2)])

    area = fixed_raters.area(fake, levels)

    assert area
    estimate = area.estimate()
    assert (estimate.estimate, estimate.ci) == (0.5, None)
    assert estimate.reason == "Every image gives the same value, so no standard error can be given."


def test_raters_who_are_always_right_have_the_exact_interval_of_the_smaller_kind() -> None:
    fake = np.arange(40) < 15
    levels = np.stack([fake * 2, fake * 2]).astype(np.int64)

    area = fixed_raters.area(fake, levels)

    assert area
    estimate = area.estimate()
    assert estimate.ci == pytest.approx((0.025 ** (1 / 15), 1.0))
    assert "the interval is the exact one for the smaller kind of image" in (estimate.reason or "")


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_rater_who_always_says_the_same_has_no_d_prime_at_either_cut(label: int) -> None:
    codes = np.full((1, 40), label, dtype=np.int8)
    table = RatingsTable(("R01",), tuple(f"I{n}" for n in range(40)), LABELS, codes)
    truth = ["real", "fake"] * 20

    for policy in ("wrong", "right", "half", "exclude"):
        (rater,) = diagnostic_accuracy(table, truth, policy)
        for cut in (rater.detection.fake, rater.detection.fake_or_unsure):
            assert cut.d.estimate == pytest.approx(0)


def test_unsure_on_half_of_each_kind_and_right_on_the_rest_is_no_d_prime_of_nought() -> None:
    row = [0] * 10 + [2] * 10 + [1] * 10 + [2] * 10
    table = RatingsTable(("R01",), tuple(f"I{n}" for n in range(40)), LABELS, np.array([row], dtype=np.int8))

    (rater,) = diagnostic_accuracy(table, ["real"] * 20 + ["fake"] * 20)

    assert (rater.detection.fake.d.estimate or 0) > 1
    assert (rater.detection.fake_or_unsure.d.estimate or 0) > 1


def test_two_raters_keep_their_interval_where_one_for_raters_like_them_does_not_exist() -> None:
    calls = np.random.default_rng(6).random((2, 12)) < 0.5
    everything = np.ones_like(calls)
    assert ustatistic.mean(calls, everything).estimate.se is None  # its variance is not positive

    rate = fool_rate(calls, everything)

    assert rate.primary.ci
    assert rate.primary_method.startswith("these raters")
