"""What changes with what: learning and fatigue along the sitting, and the raters' experience."""

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Flags, Floats, Numbers
from rating.statistics.estimate import Estimate, t_interval

UNBOUNDED = (-np.inf, np.inf)


def slope_over_position(
    values: Numbers,
    positions: Numbers,
    rated: Flags,
    confidence: float = 0.95,
    bounds: tuple[float, float] = UNBOUNDED,
) -> Estimate:
    """The change of a value (right or wrong, log time) from the first to the last position of a sitting.

    values, positions, seen: raters × images. One least-squares slope per rater, the whole sitting being 1, then their
    mean with Student's t over raters, cut to `bounds`: a difference between raters is not taken for fatigue.
    """
    slopes = [
        slope
        for value, place, there in zip(np.asarray(values), np.asarray(positions), rated, strict=True)
        if (slope := _slope(value[there], place[there])) is not None
    ]
    if not slopes:
        return Estimate.undefined("No rater rated two images, so there is no trend.")
    centre = float(np.mean(slopes))
    if len(slopes) < 2:
        return Estimate(centre, reason="One rater only: no standard error can be given.")
    se = float(np.std(slopes, ddof=1) / np.sqrt(len(slopes)))
    if se < TINY:
        return Estimate(centre, reason="All raters have the same trend, so no standard error can be given.")
    return Estimate(centre, se, t_interval(centre, se, len(slopes) - 1, confidence=confidence, bounds=bounds))


def rank_correlation(values: Numbers, profile: Numbers, confidence: float = 0.95) -> Estimate:
    """Spearman's correlation of a number per rater with their years (or any profile number); Fisher's z interval.

    The standard error on the z scale is that of Bonett and Wright 2000, sqrt((1 + rho²/2) / (n - 3)).
    """
    x, y = scipy.stats.rankdata(np.asarray(values)), scipy.stats.rankdata(np.asarray(profile))
    n = len(x)
    if n < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Estimate.undefined("A correlation needs four raters, and values that differ.")
    rho = float(np.corrcoef(x, y)[0, 1])
    if abs(rho) > 1 - TINY:
        return Estimate(round(rho), reason="The ranks agree completely, so no interval can be given.")
    half = float(scipy.stats.norm.ppf((1 + confidence) / 2)) * float(np.sqrt((1 + rho**2 / 2) / (n - 3)))
    centre = float(np.arctanh(rho))
    return Estimate(rho, ci=(float(np.tanh(centre - half)), float(np.tanh(centre + half))))


def group_difference(first: Numbers, second: Numbers, confidence: float = 0.95) -> Estimate:
    """The mean share of one group of raters less that of another, by Welch's t."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(len(a), len(b)) < 1:
        return Estimate.undefined("One of the two groups of raters is empty.")
    d = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Estimate(d, reason="A group of one rater has no standard error.")
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if va + vb < TINY**2:
        return Estimate(
            d, reason="The raters of each group are all alike, so no standard error can be given."
        )
    df = float((va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1)))
    se = float(np.sqrt(va + vb))
    return Estimate(d, se, t_interval(d, se, df, confidence=confidence))


def _slope(values: Floats, positions: Floats) -> float | None:
    """The least-squares slope against positions scaled to 0 … 1; None with fewer than two positions."""
    if len(values) < 2 or np.ptp(positions) == 0:
        return None
    x = (positions - positions.min()) / np.ptp(positions)
    x = x - x.mean()
    return float((x @ values) / (x @ x))
