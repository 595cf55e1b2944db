"""Proportions: intervals for one and for the difference of two, and the exact test against chance.

Wilson 1927; Clopper & Pearson 1934; Brown, Cai & DasGupta 2001 (Jeffreys); Newcombe 1998 (Stat Med 17:857, 17:873);
Miettinen & Nurminen 1985; Tango 1998 (Stat Med 17:891). statsmodels' own score interval for a difference is not used: it is wrong (its issue 10269).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Numbers
from rating.statistics.estimate import Estimate

EMPTY = "There is nothing to count."


def wilson(x: float, n: int, confidence: float = 0.95) -> Estimate:
    """x / n with Wilson's score interval (halves are allowed); `se` is the usual sqrt(p (1 - p) / n), None where that is 0.

    >>> low, high = wilson(8, 10).ci
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    return _proportion(x, n, wilson_interval, confidence)


def clopper_pearson(x: int, n: int, confidence: float = 0.95) -> Estimate:
    """x / n with the exact interval of Clopper and Pearson.

    >>> low, high = clopper_pearson(8, 10).ci
    >>> round(low, 3), round(high, 3)
    (0.444, 0.975)
    """
    return _proportion(x, n, exact_interval, confidence)


def jeffreys(x: int, n: int, confidence: float = 0.95) -> Estimate:
    """x / n with Jeffreys' interval, closed at 0 and 1."""
    return _proportion(x, n, jeffreys_interval, confidence)


def wilson_interval(x: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval; n > 0."""
    z = float(scipy.stats.norm.ppf((1 + confidence) / 2))
    middle = (x + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4)
    return (0.0 if x == 0 else float(middle - half)), (1.0 if x == n else float(middle + half))


def exact_interval(x: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval; n > 0.

    To twelve digits that of scipy's `binomtest(x, n).proportion_ci()`, which makes a test of each interval as well and
    takes a millisecond for it: too long for each of hundreds of raters. Neither does its Wilson interval take halves.
    """
    a = (1 - confidence) / 2
    low = 0.0 if x == 0 else float(scipy.stats.beta.ppf(a, x, n - x + 1))
    high = 1.0 if x == n else float(scipy.stats.beta.ppf(1 - a, x + 1, n - x))
    return low, high


def jeffreys_interval(x: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Equal-tailed posterior interval under the Jeffreys prior, 0 and 1 included where they were observed; n > 0."""
    a = (1 - confidence) / 2
    low = 0.0 if x == 0 else float(scipy.stats.beta.ppf(a, x + 0.5, n - x + 0.5))
    high = 1.0 if x == n else float(scipy.stats.beta.ppf(1 - a, x + 0.5, n - x + 0.5))
    return low, high


def difference(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Estimate:
    """x1/n1 - x2/n2 of two independent samples with Newcombe's hybrid score interval (the method 10 of the paper).

    >>> low, high = difference(56, 70, 48, 80).ci  # the first example of Newcombe 1998
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    if not (n1 and n2):
        return Estimate.undefined(EMPTY)
    p1, p2 = x1 / n1, x2 / n2
    (l1, u1), (l2, u2) = wilson_interval(x1, n1, confidence), wilson_interval(x2, n2, confidence)
    d = p1 - p2
    low = d - np.hypot(p1 - l1, u2 - p2)
    high = d + np.hypot(u1 - p1, p2 - l2)
    return Estimate(d, _positive(np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)), (float(low), float(high)))


def difference_score(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Estimate:
    """x1/n1 - x2/n2 with the score interval of Miettinen and Nurminen."""
    if not (n1 and n2):
        return Estimate.undefined(EMPTY)
    d = x1 / n1 - x2 / n2
    limit = float(scipy.stats.norm.ppf((1 + confidence) / 2))

    def excess(delta: float, sign: int) -> float:
        return sign * (d - delta) / _restricted_se(x1, n1, x2, n2, delta) - limit

    edge = 1 - 1e-9
    low = (
        -1.0
        if excess(-edge, 1) < 0
        else float(scipy.optimize.brentq(excess, -edge, min(d, edge), args=(1,), xtol=1e-12))
    )
    high = (
        1.0
        if excess(edge, -1) < 0
        else float(scipy.optimize.brentq(excess, max(d, -edge), edge, args=(-1,), xtol=1e-12))
    )
    return Estimate(d, _positive(_restricted_se(x1, n1, x2, n2, d)), (low, high))


def paired_difference(table: Numbers, confidence: float = 0.95) -> Estimate:
    """The share of row 0 less that of column 0 in a 2 × 2 table of pairs, (b - c) / n, with Tango's score interval (1998).

    It stays within -1 and 1 and holds where hardly a pair differs; `se` is Wald's, None where that is 0.

    >>> paired_difference([[20, 12], [2, 16]]).estimate  # (12 - 2) / 50
    0.2
    """
    (a, b), (c, d) = ([int(count) for count in row] for row in np.asarray(table))
    n = a + b + c + d
    if not n:
        return Estimate.undefined(EMPTY)
    limit = float(scipy.stats.norm.ppf((1 + confidence) / 2))

    def score(delta: float) -> float:
        linear = -b - c + (2 * n - b + c) * delta
        root = np.sqrt(max(linear**2 + 8 * n * c * delta * (1 - delta), 0.0))
        variance = n * (2 * (root - linear) / (4 * n) + delta * (1 - delta))
        return float((b - c - n * delta) / np.sqrt(max(variance, TINY**2)))

    middle, edge = (b - c) / n, 1 - 1e-9
    low, high = -1.0, 1.0
    if score(-edge) > limit:
        low = float(scipy.optimize.brentq(lambda x: score(x) - limit, -edge, min(middle, edge), xtol=1e-12))
    if score(edge) < -limit:
        high = float(scipy.optimize.brentq(lambda x: score(x) + limit, max(middle, -edge), edge, xtol=1e-12))
    return Estimate(middle, _positive(np.sqrt((b + c - (b - c) ** 2 / n) / n**2)), (low, high))


def exact_test(x: int, n: int, chance: float = 0.5) -> float | None:
    """Two-sided exact binomial p of x successes in n against `chance` (by likelihood, as R's binom.test).

    >>> round(exact_test(8, 10), 12) == 2 * (45 + 10 + 1) / 2**10
    True
    """
    if (
        n and chance == 0.5
    ):  # symmetric, so that the two tails are alike; hundreds of raters are tested at once
        return float(min(1.0, 2 * scipy.special.bdtr(min(x, n - x), n, 0.5)))
    return float(scipy.stats.binomtest(x, n, chance).pvalue) if n else None


def _restricted_se(x1: int, n1: int, x2: int, n2: int, delta: float) -> float:
    """Standard error of the difference at the maximum likelihood under p1 - p2 = delta (Farrington & Manning 1990)."""
    theta, p1, p2 = n2 / n1, x1 / n1, x2 / n2
    a = 1 + theta
    b = -(1 + theta + p1 + theta * p2 + delta * (theta + 2))
    c = delta**2 + delta * (2 * p1 + theta + 1) + p1 + theta * p2
    d = -p1 * delta * (1 + delta)
    v = b**3 / (27 * a**3) - b * c / (6 * a**2) + d / (2 * a)
    u = np.sign(v) * np.sqrt(max(b**2 / (9 * a**2) - c / (3 * a), 0.0))
    ratio = v / u**3 if abs(u) > TINY else 0.0
    angle = (np.pi + np.arccos(np.clip(ratio, -1, 1))) / 3
    q1 = float(np.clip(2 * u * np.cos(angle) - b / (3 * a), 0, 1))
    q2 = float(np.clip(q1 - delta, 0, 1))
    variance = (q1 * (1 - q1) / n1 + q2 * (1 - q2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    return float(np.sqrt(max(variance, TINY**2)))


def _proportion(
    x: float, n: int, interval: Callable[[Any, int, float], tuple[float, float]], confidence: float
) -> Estimate:
    if n == 0:
        return Estimate.undefined(EMPTY)
    p = x / n
    return Estimate(p, _positive(np.sqrt(p * (1 - p) / n)), interval(x, n, confidence))


def _positive(se: float) -> float | None:
    return float(se) if se > TINY else None
