"""How large a study must be: images for a kappa, and power of a comparison over raters and images."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import scipy

from rating.statistics.arrays import Floats

MOST_IMAGES = 100_000


def images_for_kappa(
    kappa0: float,
    kappa1: float,
    shares: Sequence[float],
    raters: int = 2,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
) -> int:
    """How many images tell kappa1 from kappa0 by a goodness-of-fit test (Donner & Eliasziw 1992).

    shares: how often each label comes, summing to 1. Common-correlation model (Altaye, Donner & Klar 2001): with
    probability kappa all raters of an image give the same label, else each decides alone. Raises ValueError on
    impossible input.

    >>> images_for_kappa(0.4, 0.6, [0.3, 0.7])
    191
    """
    return ceil(_noncentrality(alpha, power) / _distance(kappa0, kappa1, shares, raters))


def images_for_kappa_interval(
    low: float, expected: float, shares: Sequence[float], raters: int = 2, *, alpha: float = 0.05
) -> int:
    """How many images put the lower end of kappa's interval at `low`, where `expected` is found.

    The goodness-of-fit interval (Donner & Eliasziw 1992) ends where the distance of the two reaches the critical value
    of chi-squared; planned so by Donner & Rotondi 2010. Shares and ValueError as above.
    """
    return ceil(float(scipy.stats.chi2.isf(alpha, 1)) / _distance(low, expected, shares, raters))


def kappa_lower_end(
    expected: float, shares: Sequence[float], raters: int, images: int, *, alpha: float = 0.05
) -> float:
    """Where kappa's interval ends below, where `expected` is found on so many images: `images_for_kappa_interval` solved for it.

    0 where it reaches further down. Shares and ValueError as above.
    """
    critical = float(scipy.stats.chi2.isf(alpha, 1)) / images
    nearest = expected - 1e-6

    def beyond(low: float) -> float:
        return _distance(low, expected, shares, raters) - critical

    return 0.0 if beyond(0.0) <= 0 else float(scipy.optimize.brentq(beyond, 0.0, nearest))


def _distance(kappa0: float, kappa1: float, shares: Sequence[float], raters: int) -> float:
    """Chi-squared per image between what the two kappas let expect."""
    if not (
        0 <= kappa0 < 1
        and 0 <= kappa1 < 1
        and kappa0 != kappa1
        and abs(sum(shares) - 1) < 1e-9
        and raters >= 2
    ):
        raise ValueError("Kappas must be different and in [0, 1), shares must sum to 1, two raters at least.")
    expected, assumed = (_patterns(kappa, shares, raters) for kappa in (kappa0, kappa1))
    return float(((assumed - expected) ** 2 / expected).sum())


def _patterns(kappa: float, shares: Sequence[float], raters: int) -> Floats:
    """The probability of all raters agreeing on each label, and of not agreeing."""
    p = np.asarray(shares, dtype=np.float64)
    agreed = kappa * p + (1 - kappa) * p**raters
    return np.append(agreed, 1 - agreed.sum())


def _noncentrality(alpha: float, power: float) -> float:
    """The noncentrality at which a chi-squared test with one degree of freedom has the power."""
    critical = scipy.stats.chi2.isf(alpha, 1)
    return float(
        scipy.optimize.brentq(lambda value: scipy.stats.ncx2.sf(critical, 1, value) - power, 1e-6, 200)
    )


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot gives for planning (Obuchowski-Rockette parameters), and its number of images."""

    images: int
    var_test_rater: float
    error: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True, slots=True)
class Power:
    """The power of a comparison of two tests, its noncentrality and denominator degrees of freedom."""

    power: float
    noncentrality: float
    df2: float


def reader_power(pilot: Pilot, raters: int, images: int, effect: float, alpha: float = 0.05) -> Power:
    """Power to find a difference `effect` with random raters and images (Hillis, Obuchowski & Berbaum 2011).

    >>> pilot = Pilot(114, 0.0002, 0.0008, 0.000346, 0.000344, 0.000239)
    >>> round(reader_power(pilot, raters=10, images=200, effect=0.05).power, 3)
    0.936
    """
    ratio = pilot.images / images
    shared = max(pilot.cov2 - pilot.cov3, 0.0)
    noise = pilot.error - pilot.cov1
    variance = max(pilot.var_test_rater, 0.0) + ratio * (noise + (raters - 1) * shared)
    residual = max(pilot.var_test_rater, 0.0) + ratio * (noise - shared)
    df2 = (raters - 1) * (variance / residual) ** 2
    noncentrality = raters * effect**2 / (2 * variance)
    power = float(scipy.stats.ncf.sf(scipy.stats.f.isf(alpha, 1, df2), 1, df2, noncentrality))
    return Power(power, noncentrality, df2)


def arena_power(share: float, spread: float, shared_variance: float, raters: int, pairs: int) -> float:
    """Power at 0.05 to find that one of two generators looks more real, where it is chosen in this share of decided answers.

    A mean of `pairs` answers of each rater: raters differ by `spread` (standard deviation of their own shares), and of the
    variance of an answer, share (1 - share), the part `shared_variance` is the pair's own, the same for all raters. Student's t,
    noncentral, with raters - 1 degrees of freedom, fewer than the analysis mostly has: rather too low than too high (random raters
    and images as in Hillis, Obuchowski & Berbaum 2011). Raises ValueError on impossible input.
    """
    if not (0 < share < 1 and 0 <= shared_variance <= 1 and spread >= 0 and raters >= 2 and pairs >= 1):
        raise ValueError("Shares must be in (0, 1), with two raters and one pair at least.")
    answer = share * (1 - share)
    variance = spread**2 / raters + answer * (shared_variance + (1 - shared_variance) / raters) / pairs
    df = raters - 1
    critical = scipy.stats.t.isf(0.025, df)
    shift = abs(share - 0.5) / float(np.sqrt(variance))
    return float(scipy.stats.nct.sf(critical, df, shift) + scipy.stats.nct.cdf(-critical, df, shift))


def images_for_power(
    pilot: Pilot, raters: int, effect: float, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """The fewest images with which `raters` raters reach the power; None where more images would not do it.

    >>> pilot = Pilot(114, 0.0002, 0.0008, 0.000346, 0.000344, 0.000239)
    >>> images = images_for_power(pilot, raters=10, effect=0.05)
    >>> reader_power(pilot, 10, images - 1, 0.05).power < 0.8 <= reader_power(pilot, 10, images, 0.05).power
    True
    """
    low, high = 2, MOST_IMAGES
    if reader_power(pilot, raters, high, effect, alpha).power < power:
        return None
    while low < high:
        middle = (low + high) // 2
        if reader_power(pilot, raters, middle, effect, alpha).power >= power:
            high = middle
        else:
            low = middle + 1
    return low
