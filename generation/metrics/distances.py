"""How far two clouds of feature vectors lie apart: Fréchet distance, KID and Gaussian MMD, with intervals.

Rows are images: (n, d) real and (m, d) fake of one and the same extractor. Values of two extractors, and Fréchet
distances of two sample sizes, do not compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from generation.metrics.kernels import Kernel, Mmd, gaussian, median_distance, mmd, polynomial

Rows = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

RESAMPLES = 100
CONFIDENCE = 0.95
FEW = 2_000  # below this many images on a side the Fréchet distance is mostly bias
# A resample that takes longer than a blink is not taken two hundred times.
MOST_ENTRIES = 600**2


@dataclass(frozen=True)
class Distance:
    """A number people quote, with what must stand beside it."""

    value: float
    interval: tuple[float, float] | None
    n_real: int
    n_fake: int
    note: str = ""


class TooFewError(ValueError):
    """There is no distance between clouds this small."""


def frechet(real: Rows, fake: Rows) -> float:
    """The Fréchet distance of the Gaussians fitted to both (Heusel et al. 2017, eq. 6; covariances over n − 1).

    |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½, and with Σ = FᵀF the last trace is the sum of the singular values
    of F₁F₂ᵀ: an n × m matrix where there are fewer images than features, and no root of a d × d one.
    """
    _check(real, fake)
    return _between(_Cloud.of(real), _Cloud.of(fake))


def fid(real: Rows, fake: Rows, *, resamples: int = RESAMPLES, seed: int = 0) -> Distance:
    """The Fréchet distance with a bootstrap interval and, at small n, a note.

    Drawing with replacement adds the bias that a smaller sample has, so the interval takes its width from the
    bootstrap and its place from the estimate. There is none where resampling would take minutes (wide features
    of many images).
    """
    value = frechet(real, fake)
    n, m, width = len(real), len(fake), np.shape(real)[1]
    affordable = min(n, width) * min(m, width) <= MOST_ENTRIES
    interval = None
    if resamples and affordable:
        generator = np.random.default_rng(seed)
        resampled = [
            frechet(real[generator.integers(n, size=n)], fake[generator.integers(m, size=m)])
            for _ in range(resamples)
        ]
        interval = _recentred(value, np.array(resampled))
    return Distance(value, interval, n, m, _small_note(n, m))


def kid(real: Rows, fake: Rows, *, resamples: int = RESAMPLES, seed: int = 0) -> Distance:
    """Kernel Inception Distance: unbiased MMD² with k(x, y) = (x·y / d + 1)³ (Bińkowski et al. 2018).

    Over all pairs, where the paper averages subsets of 1,000: the expectation is the same, the variance lower.
    """
    return _kernel_distance(real, fake, polynomial(np.shape(real)[1]), resamples=resamples, seed=seed)


def cmmd(
    real: Rows, fake: Rows, *, bandwidth: float | None = 10.0, resamples: int = RESAMPLES, seed: int = 0
) -> Distance:
    """1,000 × unbiased MMD² with k(x, y) = exp(−|x − y|² / 2σ²) (Jayasumana et al. 2024, σ = 10 on CLIP vectors).

    Of vectors from another network give `bandwidth=None` for σ = the median distance of real images.
    """
    _check(real, fake)
    kernel = gaussian(median_distance(real) if bandwidth is None else bandwidth)
    return _kernel_distance(real, fake, kernel, resamples=resamples, seed=seed, times=1000.0)


def _kernel_distance(
    real: Rows, fake: Rows, kernel: Kernel, *, resamples: int, seed: int, times: float = 1.0
) -> Distance:
    _check(real, fake)
    estimate: Mmd = mmd(real, fake, kernel, resamples=resamples, seed=seed)
    interval = _quantiles(times * estimate.resampled) if len(estimate.resampled) else None
    return Distance(times * estimate.value, interval, len(real), len(fake))


def _check(real: Rows, fake: Rows) -> None:
    if np.ndim(real) != 2 or np.ndim(fake) != 2 or np.shape(real)[1] != np.shape(fake)[1]:
        raise ValueError("Features are (n, d) and (m, d), of one extractor.")
    if min(len(real), len(fake)) < 2:
        raise TooFewError("A distance needs at least two images on each side.")
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise ValueError("Some features are no numbers.")


@dataclass(frozen=True)
class _Cloud:
    """A mean and a factor F of the covariance FᵀF, of min(n, d) rows."""

    mean: Doubles
    factor: Doubles

    @classmethod
    def of(cls, rows: Rows) -> _Cloud:
        values = np.asarray(rows, dtype=np.float64)
        mean = values.mean(axis=0)
        centred = (values - mean) / np.sqrt(len(values) - 1)
        if len(values) <= values.shape[1]:
            return cls(mean, centred)
        return cls(mean, _factor(centred.T @ centred))


def _factor(covariance: Doubles) -> Doubles:
    """F with FᵀF = the covariance; Cholesky's where it is positive definite, which is far quicker."""
    try:
        return np.asarray(scipy.linalg.cholesky(covariance, check_finite=False))
    except scipy.linalg.LinAlgError:
        values, vectors = scipy.linalg.eigh(covariance, check_finite=False)
        return np.asarray(np.sqrt(np.clip(values, 0, None))[:, None] * vectors.T)


def _between(first: _Cloud, second: _Cloud) -> float:
    shift = first.mean - second.mean
    cross = first.factor @ second.factor.T
    if cross.shape[0] > cross.shape[1]:
        cross = cross.T
    # The singular values from the smaller Gram matrix: half the work of a decomposition.
    shared = np.sqrt(np.clip(scipy.linalg.eigvalsh(cross @ cross.T, check_finite=False), 0, None)).sum()
    total_variance = np.square(first.factor).sum() + np.square(second.factor).sum()
    return float(max(0.0, shift @ shift + total_variance - 2 * shared))


def _small_note(n: int, m: int) -> str:
    if min(n, m) >= FEW:
        return ""
    return (
        f"With {n:,} real and {m:,} generated images the Fréchet distance is biased upwards; "
        "compare only values at the same numbers, and read KD beside it."
    )


def _recentred(value: float, resampled: Doubles) -> tuple[float, float]:
    low, high = _quantiles(resampled - resampled.mean())
    return max(0.0, value + low), value + high


def _quantiles(resampled: Doubles) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
