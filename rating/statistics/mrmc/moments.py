"""The variance of a mean over raters and images, both drawn at random, when not everybody rated everything.

Gallas 2006, Gallas & Brown 2008 (Neural Netw 21:387), Gallas, Bandos, Samuelson & Wagner 2009 (Commun Stat A 38:2586).
The square of a mean is a sum over pairs of observations. Pairs that share no rater and no image estimate the squared
expectation, whatever the design; what the squared mean has beyond that is its variance. Here observations are taken
as deviations from the mean. For fully crossed data that changes nothing (the numbers are iMRMC's); with missing
ratings the plain moments carry the noise of the mean itself, spread more and are negative now and then: the table of
`bench/ustatistic.py` stands in docs/statistics.md.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Floats
from rating.statistics.estimate import Estimate, t_interval

NOT_ENOUGH = (
    "Two raters, and two images of each kind that they did not share, are needed for a standard error."
)
NEGATIVE = "The variance estimate is not positive: too few raters and images for a standard error."


class Dispersion(NamedTuple):
    """How two means spread together.

    covariance: None where no pair of observations is free of shared raters and images; main_effects: the (biased)
    variance component of each single factor, the moment that shares it less the one that does not; effective_df: how
    many raters, images … the design is worth, less one, rounded as iMRMC does.
    """

    covariance: float | None
    main_effects: Floats
    effective_df: Floats


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

    def dispersion(self) -> Dispersion:
        """What an interval for the means rests on."""
        sign = np.array([(-1.0) ** len(name) for name in self.shared])
        pairs = float(sign @ self.denominator)
        single = [place for place, name in enumerate(self.shared) if len(name) == 1]
        moment: Floats = self.numerator / np.maximum(self.denominator, 1)
        worth = np.round(self.denominator[0] / np.maximum(self.denominator[single], 1) - 1)
        return Dispersion(
            covariance=-float(sign @ self.numerator) / pairs if pairs >= 0.5 else None,
            main_effects=np.asarray(moment[single] - moment[0], dtype=np.float64),
            effective_df=np.asarray(np.maximum(worth, 1.0), dtype=np.float64),
        )


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


def difference_of(
    first: Moments, second: Moments, both: Moments, confidence: float = 0.95, *, raters: int
) -> RandomMean:
    """The first mean less the second, paired by rater and image as far as the design pairs them (`both`)."""
    dispersions = first.dispersion(), second.dispersion(), both.dispersion()
    weighed = [
        weight * dispersion.covariance
        for weight, dispersion in zip((1, 1, -2), dispersions, strict=True)
        if dispersion.covariance is not None
    ]
    single, other, paired = dispersions
    of_difference = Dispersion(
        covariance=sum(weighed) if len(weighed) == len(dispersions) else None,
        main_effects=single.main_effects + other.main_effects - 2 * paired.main_effects,
        effective_df=np.minimum(single.effective_df, other.effective_df),
    )
    return random_mean(
        first.means[0] - second.means[0], of_difference, confidence, raters=raters, bounds=(-1, 1)
    )


def random_mean(
    value: float,
    dispersion: Dispersion,
    confidence: float = 0.95,
    *,
    raters: int,
    bounds: tuple[float, float] = (0, 1),
) -> RandomMean:
    """The mean that spreads so; interval by t with the degrees of freedom of Obuchowski et al. 2012.

    Of two raters it comes with the warning that two deserve.
    """
    variance, effects, effective = dispersion
    if variance is None:
        estimate, df = Estimate(value, reason=NOT_ENOUGH), None
    elif variance < TINY:
        estimate, df = Estimate(value, reason=NEGATIVE), None
    else:
        denominator = float((effects**2 / effective**3).sum())
        smallest = float(effective.min())
        df = max(variance**2 / denominator, smallest) if denominator > TINY**2 else smallest
        se = float(np.sqrt(variance))
        estimate = Estimate(value, se, t_interval(value, se, df, confidence=confidence, bounds=bounds))
    return RandomMean(estimate.of_raters(raters), df, raters=raters)
