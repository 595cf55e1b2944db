"""Generators and modalities compared: the same raters, other fakes, real images in common or not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from rating.results.sections.generators import areas_by_kind, differences
from rating.results.summary import study_results
from rating.statistics import LABELS
from rating.statistics.accuracy.auc_by_generator import auc_by_generator
from rating.statistics.mrmc import nested, ustatistic
from rating.statistics.mrmc.rater_tests import against_chance
from rating.statistics.mrmc.triples import Levels
from tests.rating.statistics.studies import FAKE, REAL, UNSURE, simulated

pytestmark = pytest.mark.filterwarnings("error")


def kind(reals: np.ndarray, fakes: np.ndarray) -> nested.Kind:
    return nested.Kind.of(Levels(reals, 3), Levels(fakes, 3))


def drawn(
    raters: int = 4, reals: int = 12, fakes: tuple[int, int] = (9, 11), missing: float = 0.0, seed: int = 1
):
    """Levels of real images and of the fakes of two generators, the second harder to tell."""
    rng = np.random.default_rng(seed)
    sides = [
        np.digitize(rng.normal(centre, 1, (raters, n)), (0.3, 0.9))
        for centre, n in ((0, reals), (1.5, fakes[0]), (0.7, fakes[1]))
    ]
    return [np.where(rng.random(side.shape) < missing, -1, side) for side in sides]


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_two_generators_differ_as_the_u_statistic_of_all_images_says(missing):
    reals, first, second = drawn(missing=missing)
    truth = np.repeat([0, 1], [reals.shape[1], first.shape[1] + second.shape[1]])
    nobody = (np.full(first.shape, -1), np.full(second.shape, -1))

    found = nested.of_areas(kind(reals, first), kind(reals, second)).estimate

    expected = ustatistic.auc_difference(
        truth,
        np.concatenate([reals, first, nobody[1]], axis=1),
        np.concatenate([reals, nobody[0], second], axis=1),
    ).estimate
    assert found.estimate == pytest.approx(expected.estimate)
    assert found.se == pytest.approx(expected.se)
    assert found.ci == pytest.approx(expected.ci)


@pytest.mark.parametrize("in_common", [12, 7, 0])
def test_the_standard_error_of_one_rater_is_that_of_leaving_out_one_image_at_a_time(in_common):
    reals, first, second = drawn(raters=1, reals=12)
    others = reals.copy()
    reals[:, in_common + (12 - in_common) // 2 :] = -1
    others[:, in_common : in_common + (12 - in_common) // 2] = -1
    if in_common == 12:
        others = reals = drawn(raters=1, reals=12)[0]

    found = nested.of_areas(kind(reals, first), kind(others, second))

    def area(of_real, of_fake):
        x, y = of_real[of_real >= 0], of_fake
        return ((y[:, None] > x) + 0.5 * (y[:, None] == x)).mean()

    def differences_without(which):
        sides = [reals[0], first[0], others[0], second[0]]
        for at in range(12 if which == "real" else len(sides[which])):
            left = list(sides)
            if which == "real":
                left[0], left[2] = np.delete(sides[0], at), np.delete(sides[2], at)
            else:
                left[which] = np.delete(sides[which], at)
            yield area(left[0], left[1]) - area(left[2], left[3])

    def of_sample(values, n):
        values = np.array(list(values))
        return (n - 1) / n * ((values - values.mean()) ** 2).sum()

    expected = area(reals[0], first[0]) - area(others[0], second[0])
    assert found.estimate.estimate == pytest.approx(expected)
    variance = of_sample(differences_without(1), 9) + of_sample(differences_without(3), 11)
    if in_common == 12:  # both means are over the same real images, so one is left out of both at once
        variance += of_sample(differences_without("real"), 12)
        assert found.estimate.se == pytest.approx(np.sqrt(variance))
    else:
        assert found.estimate.se is not None
        assert found.estimate.se > np.sqrt(variance)
    assert found.estimate.reason == nested.ONE_RATER_ONLY


def test_real_images_in_common_make_the_difference_surer():
    reals, first, second = drawn(raters=1, reals=12)
    together = nested.delong(reals, first, reals, second)[1]
    apart = nested.delong(
        np.concatenate([reals, np.full(reals.shape, -1)], axis=1),
        first,
        np.concatenate([np.full(reals.shape, -1), reals], axis=1),
        second,
    )[1]

    assert together[0, 0, 0, 0] == apart[0, 0, 0, 0]
    assert together[0, 0, 1, 0] > 0
    assert apart[0, 0, 1, 0] == 0


def test_without_a_positive_variance_of_the_u_statistic_a_crossed_study_is_compared_rater_by_rater():
    rng = np.random.default_rng(27)
    first, second = rng.random((3, 5)) < 0.5, rng.random((3, 5)) < 0.3
    everything = np.ones((3, 5), dtype=np.bool_)
    assert ustatistic.nested_difference(first, everything, second, everything).estimate.se is None

    found = nested.of_shares(first, everything, second, everything)

    # Obuchowski-Rockette without covariance between raters is the t test of the raters' own differences.
    expected = stats.ttest_1samp(first.mean(axis=1) - second.mean(axis=1), 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.estimate.ci == pytest.approx(expected.confidence_interval())


def test_a_difference_that_was_put_there_is_found_between_generators_and_none_between_modalities():
    columns = simulated(raters=8, images=400, seed=6)
    hard = np.array([name == "generator 1" for name in columns.generator])
    rng = np.random.default_rng(2)
    guess = rng.integers(0, 2, len(columns.label))
    columns = replace(columns, label=np.where(hard[columns.image], guess, columns.label).astype(np.int8))
    columns = replace(columns, modality=tuple(("xray", "ct")[at // 2 % 2] for at in range(400)))

    results = study_results(columns)
    apart = results.known_truth.auc_by_kind

    (between,) = apart.by_generator.differences
    low, high = between.difference.ci or (0, 0)
    assert (
        low < 0.7 - (0.7 + 0.5) / 2 < high
    )  # a fake called so in 70 %, or in 50 %, against 70 % of real ones
    assert (between.p_holm or 1) < 0.01
    assert between.reals_in_common == 200
    (between,) = apart.by_modality.differences
    assert between.reals_in_common == 0
    low, high = between.difference.ci or (0, 0)
    assert low < 0 < high
    table = differences(results)
    assert [row[:4] for row in table.rows] == [
        ["Generator", "fool rate", "generator 0", "generator 1"],
        ["Generator", "AUC", "generator 0", "generator 1"],
        ["Modality", "fool rate", "CT", "X-ray"],
        ["Modality", "AUC", "CT", "X-ray"],
    ]
    assert [row[1] for row in areas_by_kind(results).rows] == [
        "generator 0",
        "generator 1",
        "CT",
        "X-ray",
    ]


def test_a_generator_is_held_against_real_images_of_its_own_modalities_only():
    columns = simulated(raters=3, images=40)
    modality = tuple("ct" if name == "generator 1" else "xray" for name in columns.generator)
    modality = tuple(
        ("xray", "ct")[at % 2] if truth == "real" else kind
        for at, (truth, kind) in enumerate(zip(columns.truth, modality, strict=True))
    )
    columns = replace(columns, modality=modality)
    levels = np.array([0, 2, 1, -1])[columns.table(1).codes]

    apart = auc_by_generator(columns, levels)

    assert [row.reals for row in apart.by_generator.groups] == [10, 10]
    assert apart.by_generator.differences[0].reals_in_common == 0
    fake = np.array([word == "fake" for word in columns.truth])
    assert replace(apart.overall, these_raters=None) == ustatistic.auc(fake, levels)


def test_one_raters_fool_rates_are_compared_as_two_plain_shares():
    first, second = np.arange(30)[None] < 21, np.arange(40)[None] < 16
    everything = np.ones_like(first), np.ones_like(second)

    found = nested.of_shares(first, everything[0], second, everything[1])

    expected = confint_proportions_2indep(21, 30, 16, 40, method="newcomb")
    assert found.estimate.ci == pytest.approx(expected, abs=1e-4)
    assert found.p == pytest.approx(stats.fisher_exact(np.array([[21, 9], [16, 24]])).pvalue)


def test_an_eager_rater_and_many_fakes_are_no_skill():
    fake = np.arange(50) < 40
    eager = np.full((1, 50), FAKE, dtype=np.int8)

    (found,) = against_chance(["R01"], eager, fake)

    assert (found.right, found.n) == (40, 50)
    assert (found.p or 1) < 0.001
    assert found.p_table == 1


def test_a_rater_who_guesses_and_is_often_unsure_is_not_worse_than_chance():
    fake = np.arange(60) % 2 == 1
    calls = np.where(np.arange(60) % 3 == 0, UNSURE, np.where(np.arange(60) // 2 % 2 == 0, REAL, FAKE))

    (found,) = against_chance(["R01"], calls[None].astype(np.int8), fake)

    assert (found.right, found.n) == (20, 40)
    assert found.p == 1
    assert LABELS[UNSURE] == "unsure"
