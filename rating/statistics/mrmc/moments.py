"""The variance of a mean over raters and images, both drawn at random, when not everybody rated everything.

Gallas 2006, Gallas & Brown 2008 (Neural Netw 21:387), Gallas, Bandos, Samuelson & Wagner 2009 (Commun Stat A 38:2586).
The square of a mean is a sum over pairs of observations. Pairs that share no rater and no image estimate the squared
expectation, whatever the design; what the squared mean has beyond that is its variance. Here observations are taken
as deviations from the mean. For fully crossed data that changes nothing (the numbers are iMRMC's); with missing
ratings the plain moments carry the noise of the mean itself, spread more and are negative now and then: the table of
`bench/ustatistic.py` stands in docs/statistics.md.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Flags, Floats
from rating.statistics.estimate import Estimate, t_interval

NOT_ENOUGH = (
    "Two raters, and two images of each kind that they did not share, are needed for a standard error."
)
NEGATIVE = "The variance estimate is not positive: too few raters and images for a standard error."


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums of products of deviations over pairs of observations, by what the pair must share; and the number of those pairs.

    shared: the sets, "" first ("" nothing need be shared, "r" the rater, "ri" rater and image …); numerator and
    denominator: one entry per set; means: of the two quantities whose covariance this is.
    """

    shared: tuple[str, ...]
    numerator: Floats
    denominator: Floats
    means: tuple[float, float]

    @property
    def covariance(self) -> float | None:
        """The covariance of the two means, None where no pair of observations is free of shared raters and images."""
        sign = np.array([(-1.0) ** len(name) for name in self.shared])
        pairs = float(sign @ self.denominator)
        if pairs < 0.5:
            return None
        return -float(sign @ self.numerator) / pairs

    @property
    def main_effects(self) -> Floats:
        """The (biased) variance component of each single factor: the moment that shares it less the one that does not."""
        moment: Floats = self.numerator / np.maximum(self.denominator, 1)
        return np.asarray(moment[self._single] - moment[0], dtype=np.float64)

    @property
    def effective_df(self) -> Floats:
        """How many raters, images … the design is worth, less one, rounded as iMRMC does."""
        worth = np.round(self.denominator[0] / np.maximum(self.denominator[self._single], 1) - 1)
        return np.asarray(np.maximum(worth, 1.0), dtype=np.float64)

    @property
    def _single(self) -> list[int]:
        return [place for place, name in enumerate(self.shared) if len(name) == 1]


FEW_DF = 3  # below this an interval is wide because little is known of the spread, and that is said
U_STATISTIC = "U-statistic, over raters and images like these"
OR_HILLIS = "Obuchowski–Rockette with Hillis' degrees of freedom, over raters and images like these"
FIXED_RATERS = "these raters: images sampled, raters fixed"
ONE_RATER_ALONE = "this rater only: images sampled"


@dataclass(frozen=True, slots=True)
class RandomMean:
    """A mean over random raters and images, with the BDG degrees of freedom of its interval (None: no interval).

    these_raters: the same for the raters at hand, images sampled and raters fixed, where that is asked.
    """

    estimate: Estimate
    df: float | None
    these_raters: Estimate | None = None
    method: str = U_STATISTIC
    raters: int = 0  # how many there are, where two would make the other estimate primary

    def of_raters(self, rated: Flags) -> "RandomMean":
        """The same with the warning that two raters deserve; seen: raters × images."""
        raters = int(rated.any(axis=1).sum())
        return replace(self, estimate=self.estimate.of_raters(raters), raters=raters)

    @property
    def primary(self) -> Estimate:
        """What is to be quoted: of two raters the estimate for these two, else that for raters like these."""
        return self.these_raters if self.these_raters and self.raters == 2 else self.estimate

    @property
    def primary_method(self) -> str:
        """How the primary interval was made, and of whom it speaks."""
        if self.primary is not self.estimate:
            return FIXED_RATERS
        few = self.df is not None and self.df < FEW_DF
        return f"{self.method} ({self.df:.1f} degrees of freedom)" if few else self.method

    @property
    def primary_df(self) -> float | None:
        """The degrees of freedom of the primary interval; None where it is a normal one or there is none."""
        return self.df if self.primary is self.estimate else None

    @property
    def complement(self) -> "RandomMean":
        """One less the share: what was not counted instead of what was."""
        these = self.these_raters
        return replace(
            self,
            estimate=self.estimate.complement,
            these_raters=None if these is None else these.complement,
        )

    def p(self, null: float = 0.0) -> float | None:
        """The two-sided p of the primary value being `null`; None without a standard error."""
        value = self.primary
        if value.estimate is None or not value.se:
            return None
        t = abs(value.estimate - null) / value.se
        return float(2 * scipy.stats.t.sf(t, np.inf if self.primary_df is None else self.primary_df))


def mean_of(moments: Moments, confidence: float = 0.95, bounds: tuple[float, float] = (0, 1)) -> RandomMean:
    """The mean whose own moments these are; interval by t with the degrees of freedom of Obuchowski et al. 2012."""
    return _with_df(
        moments.means[0],
        moments.covariance,
        moments.main_effects,
        moments.effective_df,
        confidence=confidence,
        bounds=bounds,
    )


def difference_of(first: Moments, second: Moments, both: Moments, confidence: float = 0.95) -> RandomMean:
    """The first mean less the second, paired by rater and image as far as the design pairs them (`both`)."""
    parts = (first.covariance, second.covariance, both.covariance)
    variance = (
        None if None in parts else sum(w * p for w, p in zip((1, 1, -2), parts, strict=True) if p is not None)
    )
    effects = first.main_effects + second.main_effects - 2 * both.main_effects
    df = np.minimum(first.effective_df, second.effective_df)
    return _with_df(
        first.means[0] - second.means[0], variance, effects, df, confidence=confidence, bounds=(-1, 1)
    )


def _with_df(
    value: float,
    variance: float | None,
    effects: Floats,
    effective: Floats,
    *,
    confidence: float,
    bounds: tuple[float, float],
) -> RandomMean:
    if variance is None:
        return RandomMean(Estimate(value, reason=NOT_ENOUGH), None)
    if variance < TINY:
        return RandomMean(Estimate(value, reason=NEGATIVE), None)
    denominator = float((effects**2 / effective**3).sum())
    smallest = float(effective.min())
    df = max(variance**2 / denominator, smallest) if denominator > TINY**2 else smallest
    se = float(np.sqrt(variance))
    return RandomMean(
        Estimate(value, se, t_interval(value, se, df, confidence=confidence, bounds=bounds)), df
    )
