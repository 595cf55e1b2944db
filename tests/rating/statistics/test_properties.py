"""What must hold for any ratings whatever, found out with random small tables."""

import json
from dataclasses import asdict
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.stats.inter_rater import cohens_kappa

from rating.statistics import LABELS, RatingsTable, agreement_report
from rating.statistics.accuracy.diagnostic_accuracy import diagnostic_accuracy
from rating.statistics.accuracy.unsure import POLICIES, accuracy_by_policy
from rating.statistics.agreement.alpha import METRICS, alpha, interval_alpha
from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.agreement.cohen import cohen, scott_pi
from rating.statistics.agreement.conger import conger_kappa
from rating.statistics.agreement.pairs import light_kappa
from rating.statistics.agreement.random_raters import random_raters
from rating.statistics.agreement.weights import WEIGHTS
from rating.statistics.mrmc import obuchowski_rockette, triples, ustatistic

pytestmark = pytest.mark.filterwarnings("error")

codes = hnp.arrays(
    np.int8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7), elements=st.integers(-1, 2)
)
seeds = st.integers(0, 10_000)


def table(of: np.ndarray, groups: tuple[str, ...] = ()) -> RatingsTable:
    raters, images = (
        tuple(f"{letter}{n}" for n in range(size)) for letter, size in zip("RI", of.shape, strict=True)
    )
    return RatingsTable(raters, images, LABELS, of, groups, "modality" if groups else None)


def values(of: np.ndarray) -> dict[str, float | None]:
    """Every nominal coefficient of these codes, value and standard error."""
    found = coefficients(table(of).category_counts()) | {
        "light": light_kappa(of, 3),
        "conger": conger_kappa(of, 3),
    }
    return {
        f"{name} {part}": getattr(one, part) for name, one in found.items() for part in ("estimate", "se")
    }


def assert_same(found: dict[str, float | None], expected: dict[str, float | None]) -> None:
    for name, value in expected.items():
        if value is None:
            assert found[name] is None, name
        else:
            assert found[name] == pytest.approx(value, abs=1e-5), name


def assert_finite(numbers: Any) -> None:
    json.dumps(numbers, allow_nan=False)


@given(codes)
def test_a_report_of_any_ratings_has_no_nan_and_no_warning(of: np.ndarray) -> None:
    groups = tuple(("ct", "xray")[n % 2] for n in range(of.shape[1]))

    assert_finite(asdict(agreement_report(table(of, groups))))
    assert_finite({name: asdict(estimate) for name, estimate in random_raters(table(of)).items()})
    assert_finite([asdict(alpha(table(of).category_counts(), metric)) for metric in METRICS])


@given(codes, st.data())
def test_numbers_against_any_truth_have_no_nan_and_no_warning(of: np.ndarray, data: st.DataObject) -> None:
    truth = data.draw(
        st.lists(st.sampled_from(["real", "fake", ""]), min_size=of.shape[1], max_size=of.shape[1])
    )

    for policy in POLICIES:
        assert_finite([asdict(one) for one in diagnostic_accuracy(table(of), truth, policy)])
    assert_finite({name: asdict(one) for name, one in accuracy_by_policy(table(of), truth).items()})


@given(seeds)
def test_alpha_of_numbers_is_the_one_of_another_program(seed: int) -> None:
    dice = np.random.default_rng(seed)
    numbers = dice.normal(size=dice.integers(2, 8, size=2)) * 10 + 50
    numbers[dice.random(numbers.shape) < 0.3] = np.nan
    if ((~np.isnan(numbers)).sum(axis=0) >= 2).sum() < 2:
        return

    estimate = interval_alpha(numbers).estimate

    assert estimate == pytest.approx(krippendorff.alpha(numbers, level_of_measurement="interval"), abs=1e-9)


@given(codes, st.permutations([0, 1, 2]))
def test_the_names_of_the_labels_do_not_matter(of: np.ndarray, order: list[int]) -> None:
    renamed = np.array([*order, -1], dtype=np.int8)[of]

    assert_same(values(renamed), values(of))


@given(codes, seeds)
def test_the_order_of_raters_and_images_does_not_matter(of: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)

    shuffled = of[rng.permutation(of.shape[0])][:, rng.permutation(of.shape[1])]

    assert_same(values(shuffled), values(of))


@given(codes)
def test_an_image_that_nobody_rated_changes_nothing(of: np.ndarray) -> None:
    more = np.concatenate([of, np.full((len(of), 1), -1, dtype=np.int8)], axis=1)

    assert_same(values(more), values(of))
    assert agreement_report(table(more)) == agreement_report(table(of))


@given(codes)
def test_alpha_is_that_of_the_krippendorff_package(of: np.ndarray) -> None:
    counts = table(of).category_counts()
    if (counts[counts.sum(axis=1) >= 2].sum(axis=0) > 0).sum() < 2:
        return  # undefined, and the package raises

    for metric in ("nominal", "ordinal", "interval"):
        expected = krippendorff.alpha(
            value_counts=counts, value_domain=[1, 2, 3], level_of_measurement=metric
        )
        assert alpha(counts, metric).estimate == pytest.approx(expected, abs=1e-9)


@given(hnp.arrays(np.int64, (3, 3), elements=st.integers(1, 30)))
def test_cohen_is_that_of_statsmodels(counts: np.ndarray) -> None:
    expected = cohens_kappa(counts)

    found = cohen(counts)

    assert found.kappa.estimate == pytest.approx(expected.kappa)
    assert found.kappa.se == pytest.approx(expected.std_kappa)
    assert found.se0 == pytest.approx(expected.std_kappa0)


def codes_of(counts: np.ndarray) -> np.ndarray:
    """The codes of two raters whose table this is."""
    first, second = np.indices(counts.shape)
    return np.stack([np.repeat(side.ravel(), counts.ravel()) for side in (first, second)]).astype(np.int8)


@given(hnp.arrays(np.int64, (3, 3), elements=st.integers(1, 9)), st.sampled_from(["linear", "quadratic"]))
def test_congers_kappa_of_two_raters_is_cohens_weighted_or_not(counts: np.ndarray, scale: str) -> None:
    plain, weighted = (
        cohens_kappa(counts, return_results=False),
        cohens_kappa(counts, wt=scale, return_results=False),
    )

    assert conger_kappa(codes_of(counts), 3).estimate == pytest.approx(plain)
    assert conger_kappa(codes_of(counts), 3, WEIGHTS[scale](3)).estimate == pytest.approx(weighted)


@given(hnp.arrays(np.int64, (3, 3), elements=st.integers(1, 9)))
def test_scotts_pi_is_by_its_definition(counts: np.ndarray) -> None:
    shares = (counts.sum(axis=0) + counts.sum(axis=1)) / (2 * counts.sum())
    chance, observed = (shares**2).sum(), np.trace(counts) / counts.sum()

    assert scott_pi(counts).estimate == pytest.approx((observed - chance) / (1 - chance))


@given(seeds, st.integers(2, 5), st.integers(2, 6))
def test_on_complete_data_the_u_statistic_is_the_mean_of_delongs_aucs(
    seed: int, raters: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    truth = np.array([0, 0, 1, 1, *rng.integers(0, 2, 8)])
    scores = rng.integers(0, levels, (raters, len(truth)))

    areas, _ = obuchowski_rockette.auc_moments(truth, scores[None])

    assert ustatistic.auc(truth, scores).estimate.estimate == pytest.approx(areas.mean())


@given(seeds)
@settings(max_examples=30)
def test_the_u_statistic_variance_is_that_of_its_definition_on_any_design(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.array([0, 0, 0, 1, 1, 1])
    levels = rng.integers(-1, 3, (3, 6))
    triples = [
        (r, i, j, (levels[r, j] > levels[r, i]) + 0.5 * (levels[r, j] == levels[r, i]))
        for r in range(3)
        for i in range(3)
        for j in range(3, 6)
        if levels[r, i] >= 0 and levels[r, j] >= 0
    ]
    found = ustatistic.auc(truth, levels).estimate

    if not triples:
        assert found.estimate is None
        return
    mean = np.mean([s for *_, s in triples])
    apart = [
        (a[3] - mean) * (b[3] - mean)
        for a in triples
        for b in triples
        if a[0] != b[0] and a[1] != b[1] and a[2] != b[2]
    ]
    assert found.estimate == pytest.approx(mean)
    if apart and -np.mean(apart) > 1e-9:
        assert found.se == pytest.approx(np.sqrt(-np.mean(apart)))
    else:
        assert found.se is None
        assert found.reason


@given(seeds)
@settings(max_examples=20)
def test_both_ways_of_summing_over_shared_images_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fake = np.arange(12) % 2 == 1
    first, second = rng.integers(-1, 4, (2, 4, 12))
    a, b = (
        triples.Kernel(
            triples.Levels(levels[:, ~fake], 4), triples.Levels(levels[:, fake], 4), rng.normal(size=(4, 4))
        )
        for levels in (first, second)
    )

    quick, plain = triples.same_images(a, b), triples.same_images_directly(a, b)

    assert quick == pytest.approx(plain)
