"""Averages over raters that hold for raters like these and images like these: Obuchowski-Rockette with Hillis' df.

Obuchowski & Rockette 1995; Hillis 2007 (Stat Med 26:596) and 2014 (Stat Med 33:330). For fully crossed designs: every
rater scored every image. Incomplete ones are the business of `ustatistic.py`.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from pool.placements import covariance, placements
from rating.statistics.arrays import TINY, Flags, Floats, Numbers
from rating.statistics.estimate import Estimate, t_interval

ONE_RATER = "One rater says nothing about raters like this one."


@dataclass(frozen=True, slots=True)
class Covariances:
    """The four numbers of the OR error covariance: variance, same rater, same test, neither the same."""

    error: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True, slots=True)
class Overall:
    """Whether the tests differ: F with (tests - 1, df2) degrees of freedom and its p; each difference by (i, j)."""

    covariances: Covariances
    f: float | None
    df2: float | None
    p: float | None
    differences: dict[tuple[int, int], Estimate]


@dataclass(frozen=True, slots=True)
class AverageReader:
    """One test's average over raters, with Hillis' degrees of freedom (None where undefined)."""

    estimate: Estimate
    df: float | None


def auc_moments(truth: Numbers, scores: Numbers) -> tuple[Floats, Floats]:
    """AUCs (tests, raters) and their DeLong covariance (tests, raters, tests, raters); scores: tests × raters × images.

    Raises ValueError unless both kinds of image are there at least twice.
    """
    s, fake = np.asarray(scores, dtype=np.float64), np.asarray(truth) == 1
    if min(fake.sum(), (~fake).sum()) < 2:
        raise ValueError("Average AUCs need two fake and two real images at least.")
    flat = [placements(row[~fake], row[fake]) for row in s.reshape(-1, s.shape[-1])]
    shape = s.shape[:2]
    return np.reshape([placement.auc for placement in flat], shape), covariance(flat).reshape(*shape, *shape)


def proportion_moments(outcomes: Numbers) -> tuple[Floats, Floats]:
    """The same for proportions: outcomes 0..1, tests × raters × images."""
    x = np.asarray(outcomes, dtype=np.float64)
    shape, n = x.shape[:2], x.shape[2]
    if n < 2:
        raise ValueError("Average proportions need two images at least.")
    error_covariance = np.atleast_2d(np.cov(x.reshape(-1, n))) / n
    return x.mean(axis=2), np.asarray(error_covariance, dtype=np.float64).reshape(*shape, *shape)


def covariances(error_covariance: Floats) -> Covariances:
    """The means of the error covariance matrix (tests, raters, tests, raters) over its four kinds of cells."""
    tests, raters = error_covariance.shape[:2]
    matrix = error_covariance.reshape(tests * raters, tests * raters)
    test, rater = np.divmod(np.arange(tests * raters), raters)
    same_test, same_rater = test[:, None] == test[None, :], rater[:, None] == rater[None, :]

    def mean(cells: Flags) -> float:
        return float(matrix[cells].mean()) if cells.any() else 0.0

    return Covariances(
        mean(same_test & same_rater),
        mean(~same_test & same_rater),
        mean(same_test & ~same_rater),
        mean(~same_test & ~same_rater),
    )


def average_reader(
    estimates: Floats,
    error_covariance: Floats,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (0, 1),
) -> list[AverageReader]:
    """Each test's average over raters; estimates (tests, raters), spread their covariance (see `auc_moments`)."""
    averages = []
    for i, values in enumerate(estimates):
        raters, mean = len(values), float(values.mean())
        if raters < 2:
            averages.append(AverageReader(Estimate(mean, reason=ONE_RATER), None))
            continue
        between = float(values.var(ddof=1))
        shared = max(covariances(error_covariance[i : i + 1, :, i : i + 1, :]).cov2, 0.0)
        averages.append(_average(mean, between, raters, shared, confidence=confidence, bounds=bounds))
    return averages


def overall(estimates: Floats, error_covariance: Floats, confidence: float = 0.95) -> Overall:
    """Whether the tests differ, for raters and images like these; at least two tests and two raters."""
    tests, raters = estimates.shape
    components = covariances(error_covariance)
    rows = estimates.mean(axis=1)
    residual = estimates - rows[:, None] - estimates.mean(axis=0) + estimates.mean()
    ms_test = raters * float(rows.var(ddof=1))
    ms_residual = float((residual**2).sum()) / ((tests - 1) * (raters - 1))
    noise = ms_residual + raters * max(components.cov2 - components.cov3, 0.0)
    pairs = [(i, j) for i in range(tests) for j in range(i + 1, tests)]
    if noise < TINY:
        reason = "The raters differ between the tests by the same amount, so no standard error can be given."
        return Overall(
            components,
            None,
            None,
            None,
            {(i, j): Estimate(float(rows[i] - rows[j]), reason=reason) for i, j in pairs},
        )
    df2 = noise**2 / (ms_residual**2 / ((tests - 1) * (raters - 1))) if ms_residual > TINY else np.inf
    f, se = ms_test / noise, float(np.sqrt(2 * noise / raters))
    differences = {
        (i, j): Estimate(
            float(rows[i] - rows[j]), se, t_interval(float(rows[i] - rows[j]), se, df2, confidence=confidence)
        ).of_raters(raters)
        for i, j in pairs
    }
    p = (
        float(scipy.stats.f.sf(f, tests - 1, df2))
        if np.isfinite(df2)
        else float(scipy.stats.chi2.sf(f * (tests - 1), tests - 1))
    )
    return Overall(components, f, float(df2) if np.isfinite(df2) else None, p, differences)


def _average(
    mean: float, between: float, raters: int, shared: float, *, confidence: float, bounds: tuple[float, float]
) -> AverageReader:
    noise = between + raters * shared
    if noise < TINY:
        return AverageReader(
            Estimate(mean, reason="All raters have the same value, without any variation."), None
        )
    se = float(np.sqrt(noise / raters))
    df = noise**2 / (between**2 / (raters - 1)) if between > TINY else np.inf
    interval = t_interval(mean, se, df, confidence=confidence, bounds=bounds)
    average = Estimate(mean, se, interval).of_raters(raters)
    return AverageReader(average, float(df) if np.isfinite(df) else None)
