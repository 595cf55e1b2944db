"""Tests on the same images: McNemar for two, Cochran's Q for more, Holm for many p values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.arrays import Floats, Numbers


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test of a paired 2 × 2 table; all None with a reason where no pair differs."""

    chi2: float | None
    p: float | None
    chi2_corrected: float | None
    p_exact: float | None
    p_mid: float | None = None
    p_corrected: float | None = None
    reason: str | None = None


def mcnemar(table: Numbers) -> McNemar:
    """McNemar 1947: whether the two kinds of disagreement in a 2 × 2 table of pairs are equally common.

    chi2 without and with Edwards' continuity correction, their p, the exact binomial p and the mid-p.

    >>> result = mcnemar([[20, 12], [2, 16]])
    >>> result.chi2 == 10**2 / 14, result.p_exact == 2 * (91 + 14 + 1) / 2**14
    (True, True)
    """
    b, c = int(np.asarray(table)[0][1]), int(np.asarray(table)[1][0])
    if b + c == 0:
        return McNemar(None, None, None, 1.0, reason="No pair differs, so there is nothing to test.")
    chi2 = (b - c) ** 2 / (b + c)
    corrected = max(abs(b - c) - 1, 0) ** 2 / (b + c)
    exact = float(scipy.stats.binomtest(b, b + c).pvalue)
    tie = float(scipy.stats.binom.pmf(min(b, c), b + c, 0.5))
    mid = 1 - tie / 2 if b == c else exact - tie
    p, p_corrected = (float(scipy.stats.chi2.sf(value, 1)) for value in (chi2, corrected))
    return McNemar(chi2, p, corrected, exact, mid, p_corrected)


@dataclass(frozen=True, slots=True)
class CochranQ:
    """Cochran's Q with its degrees of freedom and p; None with a reason where every image says the same."""

    q: float | None
    df: int
    p: float | None
    reason: str | None = None


def cochran_q(outcomes: Numbers) -> CochranQ:
    """Cochran 1950: whether the k columns of 0/1 outcomes (images × k, complete) have the same proportion.

    >>> cochran_q([[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]]).q
    6.0
    """
    x = np.asarray(outcomes, dtype=np.float64)
    k = x.shape[1]
    rows, columns = x.sum(axis=1), x.sum(axis=0)
    below = k * rows.sum() - (rows**2).sum()
    if k < 2 or below == 0:
        return CochranQ(None, k - 1, None, "No image tells the columns apart, so there is nothing to test.")
    q = float((k - 1) * (k * (columns**2).sum() - columns.sum() ** 2) / below)
    return CochranQ(q, k - 1, float(scipy.stats.chi2.sf(q, k - 1)))


def holm(p_values: Sequence[float] | Floats) -> list[float]:
    """The p values adjusted for their number by Holm's step-down method (1979), in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)) if len(p) else p
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def holm_adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """The same where some p values do not exist: None stays None and is not counted.

    >>> holm_adjusted([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]
