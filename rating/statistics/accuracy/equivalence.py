"""Equivalence: whether a value is inside a margin that was declared beforehand (two one-sided tests).

Schuirmann 1987. "Not different from chance" is not "indistinguishable": only this test can say the latter.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.estimate import Estimate, t_interval


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The two one-sided p values, the larger of them, the 1 - 2·alpha interval, and whether it lies in the margin."""

    p_low: float | None
    p_high: float | None
    p: float | None
    ci: tuple[float, float] | None
    equivalent: bool | None
    reason: str | None = None


def tost(
    estimate: Estimate, low: float, high: float, df: float | None = None, alpha: float = 0.05
) -> Equivalence:
    """Whether the estimate (with its MRMC standard error and df; None: normal) lies between `low` and `high`.

    Raises ValueError unless low < high.

    >>> tost(Estimate(0.5, se=0.01), low=0.45, high=0.55).equivalent
    True
    >>> tost(Estimate(0.5, se=0.05), low=0.45, high=0.55).equivalent
    False
    """
    if not low < high:
        raise ValueError("The lower margin must be below the upper one.")
    if estimate.estimate is None or estimate.se is None:
        return Equivalence(
            None, None, None, None, None, estimate.reason or "There is no standard error to test with."
        )
    t = scipy.stats.t(np.inf if df is None else df)
    p_low = float(t.sf((estimate.estimate - low) / estimate.se))
    p_high = float(t.cdf((estimate.estimate - high) / estimate.se))
    interval = t_interval(
        estimate.estimate,
        estimate.se,
        np.inf if df is None else df,
        confidence=1 - 2 * alpha,
        bounds=(-np.inf, np.inf),
    )
    p = max(p_low, p_high)
    return Equivalence(p_low, p_high, p, interval, p < alpha)
