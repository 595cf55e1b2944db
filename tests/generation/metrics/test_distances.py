"""Distances are what the formulae and a library say, on clouds whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics.fid import get_fid_score
from monai.metrics.mmd import compute_mmd
from numpy.typing import NDArray

from generation.metrics.distances import TooFewError, cmmd, fid, frechet, kid
from generation.metrics.kernels import gaussian, mmd

Doubles = NDArray[np.float64]


def cloud(n: int, d: int, *, mean: float = 0.0, spread: float = 1.0, seed: int = 0) -> Doubles:
    return mean + spread * np.random.default_rng(seed).normal(size=(n, d))


def exactly(n: int, mean: Doubles, covariance: Doubles, *, seed: int) -> Doubles:
    """A sample whose own mean and covariance are exactly these."""
    raw = np.random.default_rng(seed).normal(size=(n, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return np.asarray(white @ np.linalg.cholesky(covariance).T + mean)


def test_two_gaussians_lie_as_far_apart_as_the_formula_says() -> None:
    scales = np.array([1.0, 4.0, 9.0])
    real = exactly(500, np.zeros(3), np.eye(3), seed=1)
    fake = exactly(400, np.array([3.0, 0.0, 4.0]), np.diag(scales), seed=2)

    # The covariances commute, so the trace is that of (√Σ₁ − √Σ₂)².
    assert frechet(real, fake) == pytest.approx(25 + np.square(1 - np.sqrt(scales)).sum(), rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), [(300, 250, 20), (40, 60, 100), (50, 300, 100), (300, 50, 100)])
def test_the_frechet_distance_is_the_librarys_with_more_and_with_fewer_images_than_features(
    n: int, m: int, d: int
) -> None:
    real, fake = cloud(n, d), cloud(m, d, mean=0.2, spread=1.3, seed=1)

    known = float(get_fid_score(torch.from_numpy(fake), torch.from_numpy(real)))

    # The library's matrix root is the less exact one where the product of covariances is singular.
    assert frechet(real, fake) == pytest.approx(known, rel=1e-5)


def test_a_cloud_has_no_distance_from_itself_even_when_its_features_repeat() -> None:
    twice = np.repeat(cloud(50, 5), 2, axis=1)

    assert frechet(twice, twice) == pytest.approx(0, abs=1e-6)
    assert frechet(cloud(20, 40), cloud(20, 40)) == pytest.approx(0, abs=1e-6)


def test_the_frechet_distance_of_small_samples_is_biased_and_says_so() -> None:
    real, fake = cloud(200, 32), cloud(200, 32, seed=1)

    found = fid(real, fake, resamples=20)

    assert found.value > 1
    assert "biased upwards" in found.note


def test_kid_of_one_and_the_same_distribution_is_around_zero_at_any_size() -> None:
    found = [
        kid(cloud(30, 16, seed=2 * k), cloud(40, 16, seed=2 * k + 1), resamples=0).value for k in range(60)
    ]

    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))


def test_kid_is_the_double_sum_of_its_paper() -> None:
    x, y = cloud(7, 4), cloud(5, 4, mean=0.5, seed=1)

    def k(a: Doubles, b: Doubles) -> float:
        return float((a @ b / 4 + 1) ** 3)

    within_x = np.mean([k(x[i], x[j]) for i in range(7) for j in range(7) if i != j])
    within_y = np.mean([k(y[i], y[j]) for i in range(5) for j in range(5) if i != j])
    across = np.mean([k(a, b) for a in x for b in y])

    assert kid(x, y).value == pytest.approx(within_x + within_y - 2 * across, rel=1e-4)


def test_kid_in_single_precision_and_blocks_is_the_formula_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.metrics.kernels.BLOCK", 64)
    x, y = cloud(300, 512), cloud(250, 512, mean=0.05, spread=1.1, seed=1)

    def grams(a: Doubles, b: Doubles) -> Doubles:
        return np.asarray((a @ b.T / 512 + 1) ** 3)

    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (grams(x, x), grams(y, y))]

    assert kid(x, y).value == pytest.approx(sum(within) - 2 * grams(x, y).mean(), rel=1e-5)


def test_two_images_on_a_side_have_a_distance_and_an_interval_of_numbers() -> None:
    found = kid(cloud(2, 8), cloud(16, 8, seed=1))

    assert found.interval is not None
    assert np.isfinite([found.value, *found.interval]).all()


def test_the_unbiased_mmd_is_the_librarys() -> None:
    x, y = cloud(30, 6), cloud(30, 6, mean=1.0, seed=1)

    ours = mmd(x, y, lambda a, b: a @ b.T, resamples=0, seed=0).value

    assert ours == pytest.approx(float(compute_mmd(torch.from_numpy(x), torch.from_numpy(y), None)), rel=1e-4)


def test_blocks_do_not_change_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(50, 6), cloud(35, 6, mean=1.0, seed=1)
    at_once = mmd(x, y, gaussian(2.0), resamples=5, seed=3)

    monkeypatch.setattr("generation.metrics.kernels.BLOCK", 8)
    parts = mmd(x, y, gaussian(2.0), resamples=5, seed=3)

    assert parts.value == pytest.approx(at_once.value, rel=1e-4)
    assert parts.resampled == pytest.approx(at_once.resampled, rel=1e-4)


def test_the_gaussian_mmd_of_two_gaussians_is_the_closed_form() -> None:
    sigma, d, apart = 3.0, 4, 2.0
    found = cmmd(cloud(3000, d), cloud(3000, d, mean=apart, seed=1), bandwidth=sigma, resamples=0)

    # E k(x, y) of N(0, I) and N(m, I) is (σ²/(σ²+2))^(d/2) exp(−|m|²/2(σ²+2)).
    shrink = (sigma**2 / (sigma**2 + 2)) ** (d / 2)
    known = 1000 * 2 * shrink * (1 - np.exp(-d * apart**2 / (2 * (sigma**2 + 2))))
    assert found.value == pytest.approx(known, rel=0.05)


@pytest.mark.parametrize("measure", [kid, fid])
def test_an_interval_holds_the_estimate_and_about_the_spread_of_new_samples(measure: object) -> None:
    assert callable(measure)
    found = measure(cloud(150, 8), cloud(150, 8, mean=0.6, seed=1))
    again = [
        measure(cloud(150, 8, seed=k), cloud(150, 8, mean=0.6, seed=k + 500), resamples=0).value
        for k in range(2, 62)
    ]

    low, high = found.interval
    spread = np.quantile(again, 0.975) - np.quantile(again, 0.025)
    assert low < found.value < high
    assert 0.5 * spread < high - low < 2 * spread


def test_the_interval_of_a_biased_distance_stays_where_the_estimate_is() -> None:
    """Of thirty images every resample lies far above the estimate: only its width says something."""
    distance = fid(cloud(30, 16), cloud(30, 16, mean=0.6, seed=1))

    assert distance.interval is not None
    low, high = distance.interval
    assert low < distance.value < high


def test_wide_features_of_many_images_get_no_resampling_that_takes_minutes() -> None:
    assert fid(cloud(700, 700), cloud(700, 700, seed=1)).interval is None


def test_what_has_no_distance_is_refused() -> None:
    with pytest.raises(TooFewError):
        frechet(cloud(1, 4), cloud(9, 4))
    with pytest.raises(ValueError, match="one extractor"):
        kid(cloud(9, 4), cloud(9, 5))
    with pytest.raises(ValueError, match="no numbers"):
        frechet(cloud(9, 4), np.full((9, 4), np.nan))
