"""A number with its uncertainty, or the reason why there is none."""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Floats

TWO_RATERS = "Two raters only: an interval for raters like them rests on two values; that of these two raters is the primary one."


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its standard error and its confidence interval; what is undefined is None and `reason` says why."""

    estimate: float | None
    se: float | None = None
    ci: tuple[float, float] | None = None
    reason: str | None = None

    @classmethod
    def undefined(cls, reason: str) -> "Estimate":
        """The estimate that does not exist, with the sentence why.

        >>> Estimate.undefined("Nobody rated.").reason
        'Nobody rated.'
        """
        return cls(None, reason=reason)

    def of_raters(self, raters: int) -> "Estimate":
        """The same with the warning that two raters deserve, unless it has a reason already."""
        return replace(self, reason=TWO_RATERS) if raters == 2 and self.reason is None else self

    @property
    def complement(self) -> "Estimate":
        """One less the share.

        >>> Estimate(0.25, se=0.1, ci=(0.05, 0.45)).complement
        Estimate(estimate=0.75, se=0.1, ci=(0.55, 0.95), reason=None)
        """
        if self.estimate is None:
            return self
        ci = None if self.ci is None else (1 - self.ci[1], 1 - self.ci[0])
        return replace(self, estimate=1 - self.estimate, ci=ci)


def t_interval(
    estimate: float, se: float, df: float, *, confidence: float = 0.95, bounds: tuple[float, float] = (-1, 1)
) -> tuple[float, float]:
    """The t interval with `df` degrees of freedom (infinite: the normal one).

    Cut to `bounds`, what the quantity can be, so that nobody reads a kappa of 1.04. The quantile is scipy's plain one: its
    distribution objects check so much that thousands cost a second.
    """
    half = float(scipy.special.stdtrit(df, (1 + confidence) / 2)) * se
    return float(max(estimate - half, bounds[0])), float(min(estimate + half, bounds[1]))


def logit_interval(estimate: float, se: float, df: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a share or an area on the logit scale (delta method), which stays between 0 and 1."""
    logit = float(scipy.special.logit(estimate))
    half = float(scipy.special.stdtrit(df, (1 + confidence) / 2)) * se / (estimate * (1 - estimate))
    return float(scipy.special.expit(logit - half)), float(scipy.special.expit(logit + half))


def from_influence(
    estimate: float,
    influence: Floats,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (-1, 1),
    df: int | None = None,
) -> Estimate:
    """The estimate with the standard error that the items' influences give.

    influence: shape (n,), the linearised effect of each sampled item, centred at 0 and scaled so that
    var(estimate) = sum(influence²) / (n (n - 1)); the interval is Student's with n - 1 (or `df`) degrees of freedom.
    """
    n = len(influence)
    if n < 2:
        return Estimate(estimate, reason="Only one image: no standard error can be given.")
    se = float(np.sqrt(np.sum(influence**2) / (n * (n - 1))))
    if se < TINY:
        return Estimate(
            estimate,
            reason="Every image gives the same value, so there is no variation to take a standard error from.",
        )
    return Estimate(
        estimate,
        se,
        t_interval(estimate, se, n - 1 if df is None else df, confidence=confidence, bounds=bounds),
    )


def exact_bound(observed: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of a proportion that was 1 (or 0) in all of `n` trials."""
    tail = ((1 - confidence) / 2) ** (1 / n)
    return (tail, 1.0) if observed > 0.5 else (0.0, 1 - tail)
