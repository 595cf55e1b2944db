"""BCa bootstrap intervals over images, for coefficients of agreement near their boundary.

Efron 1987 (JASA 82:171): percentiles corrected for bias and acceleration. Resamples in which the coefficient is undefined
are left out. A resample is a weight per image, so that all of them are a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from rating.statistics.agreement.coefficients import Items
from rating.statistics.arrays import TINY, Floats

RESAMPLES = 2_000
SEED = 1987
Coefficient = Callable[
    [Floats], Floats
]  # weights (resamples, images) to values (resamples,), nan where undefined


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The BCa interval, and the share of resamples in which the coefficient does not exist."""

    ci: tuple[float, float] | None
    undefined_share: float


def bca(
    coefficient: Coefficient, images: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Bootstrap:
    """The interval of a coefficient that takes weights of images; None where too few resamples are defined."""
    value = coefficient(np.ones((1, images)))[0]
    draws = coefficient(_weights(images, resamples))
    defined = draws[np.isfinite(draws)]
    share = 1 - len(defined) / resamples
    left_out = coefficient(1 - np.eye(images))
    left_out = left_out[np.isfinite(left_out)]
    if not np.isfinite(value) or len(defined) < resamples / 2 or np.ptp(defined) < TINY:
        return Bootstrap(None, share)
    below = ((defined < value - TINY).sum() + 0.5 * (np.abs(defined - value) <= TINY).sum()) / len(defined)
    if not 0 < below < 1:
        return Bootstrap(None, share)
    bias = float(scipy.special.ndtri(below))
    deviation = left_out.mean() - left_out
    squares = (deviation**2).sum()
    acceleration = float((deviation**3).sum() / (6 * squares**1.5)) if squares > TINY else 0.0
    z = scipy.special.ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    shares = scipy.special.ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
    low, high = np.quantile(defined, shares)
    return Bootstrap((float(low), float(high)), share)


@lru_cache(maxsize=8)
def _weights(images: int, resamples: int) -> Floats:
    """How often each image is in each resample; the same for every coefficient and every run."""
    rng = np.random.default_rng(SEED)
    return rng.multinomial(images, np.full(images, 1 / images), size=resamples).astype(np.float64)


def coefficients_of_weights(items: Items) -> dict[str, Coefficient]:
    """The coefficients of one matrix images × labels as functions of the images' weights."""
    share = items.counts / items.size[:, None]

    def observed(w: Floats) -> Floats:
        return _ratio(w @ items.agreeing, w @ items.paired)

    def beyond(chance: Callable[[Floats], Floats]) -> Coefficient:
        return lambda w: _beyond(observed(w), chance(w))

    def shares(w: Floats) -> Floats:
        return np.asarray((w @ share) / np.maximum(w.sum(axis=1), TINY)[:, None])

    q = items.counts.shape[1]
    scale = items.weights.sum() / (q * (q - 1))
    return {
        "percent_agreement": observed,
        "fleiss_kappa": beyond(lambda w: _quadratic(shares(w), items.weights)),
        "gwet_ac1": beyond(lambda w: scale * (shares(w) * (1 - shares(w))).sum(axis=1)),
        "brennan_prediger": beyond(lambda w: np.full(len(w), items.weights.sum() / q**2)),
        "krippendorff_alpha": lambda w: _alpha(items, w),
    }


def cohen_of_weights(first: Floats, second: Floats, q: int) -> Coefficient:
    """Cohen's kappa of two raters' codes on the same images as a function of the images' weights."""
    cells = np.zeros((len(first), q * q))
    cells[np.arange(len(first)), np.asarray(first * q + second, dtype=np.int64)] = 1

    def kappa(w: Floats) -> Floats:
        tables = (w @ cells).reshape(-1, q, q)
        n = np.maximum(tables.sum(axis=(1, 2)), TINY)
        rows, columns = tables.sum(axis=2) / n[:, None], tables.sum(axis=1) / n[:, None]
        return _beyond(np.trace(tables, axis1=1, axis2=2) / n, (rows * columns).sum(axis=1))

    return kappa


def _alpha(items: Items, w: Floats) -> Floats:
    w = w * items.paired
    total = w @ items.size
    pi = (w @ items.counts) / np.maximum(total, TINY)[:, None]
    plain = _ratio(w @ (items.agreeing * items.size), total)
    return _beyond(plain + (1 - plain) / np.maximum(total, TINY), _quadratic(pi, items.weights))


def _quadratic(shares: Floats, weights: Floats) -> Floats:
    return np.asarray(np.einsum("bk,kl,bl->b", shares, weights, shares))


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.where(below > TINY, above / np.where(below > TINY, below, 1.0), np.nan)


def _beyond(observed: Floats, chance: Floats) -> Floats:
    defined = 1 - chance > 1e-9
    return np.where(defined, (observed - chance) / np.where(defined, 1 - chance, 1.0), np.nan)
