"""Averages over these very raters: the images are a sample, the raters are given.

The mean over raters of each rater's own number. Its variance is that of the images' mean influence on it, real and fake
images apart (DeLong's placements for an area; for complete data the Obuchowski-Rockette variance of fixed readers,
(Var + (J - 1) Cov2) / J). It holds for any design, and where two raters say too little of raters like them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pool.placements import placements
from rating.statistics.arrays import TINY, Flags, Floats, Ints, Numbers
from rating.statistics.estimate import Estimate, exact_bound, logit_interval, t_interval

NO_RATINGS = "There are no ratings."
NO_RATER = "No rater rated images of both kinds."
TOO_FEW = "Two images of each kind at least are needed for a standard error."
ALL_ALIKE = "Every image gives the same value, so no standard error can be given."
EXACT = f"{ALL_ALIKE[:-1]}; the interval is the exact one for the smaller kind of image."


@dataclass(frozen=True, slots=True)
class FixedMean:
    """A mean over fixed raters; influence: of each image on it, one array per independent sample of images;
    an image that nobody rated is in the sample and has none."""

    value: float
    influence: tuple[Floats, ...]

    def dispersion(self) -> tuple[float, float]:
        """The standard error, and its degrees of freedom: images less their means, as if all samples had one variance."""
        variance = sum(len(part) / (len(part) - 1) * (part**2).sum() for part in self.influence)
        return float(np.sqrt(variance)), float(sum(len(part) - 1 for part in self.influence))

    def estimate(self, *, student: bool = True) -> Estimate:
        """A share or an area with its interval, by the logit where the plain one would leave 0 … 1."""
        fewest = min(len(part) for part in self.influence)
        if fewest < 2:
            return Estimate(self.value, reason=TOO_FEW)
        se, df = self.dispersion()
        if se < TINY:
            if TINY < self.value < 1 - TINY:
                return Estimate(self.value, reason=ALL_ALIKE)
            return Estimate(self.value, ci=exact_bound(self.value, fewest), reason=EXACT)
        df = df if student else np.inf
        low, high = t_interval(self.value, se, df, bounds=(-np.inf, np.inf))
        if low < 0 or high > 1:
            low, high = logit_interval(self.value, se, df)
        return Estimate(self.value, se, (low, high))


def share(values: Numbers, counted: Flags) -> FixedMean | None:
    """The mean over raters of their own shares; values 0 … 1 and which count, raters × images. None without any."""
    raters = counted.any(axis=1)
    if not raters.any():
        return None
    x, there = np.asarray(values, dtype=np.float64)[raters], counted[raters]
    n = there.sum(axis=1, keepdims=True)
    rates = np.where(there, x, 0.0).sum(axis=1, keepdims=True) / n
    influence = np.where(there, (x - rates) / n, 0.0).mean(axis=0)
    return FixedMean(float(rates.mean()), (influence,))


def area(fake: Flags, levels: Ints) -> FixedMean | None:
    """The mean over raters of their own AUCs; levels raters × images, -1 missing. None without a rater of both kinds."""
    parts = _area_of(levels[:, ~fake], levels[:, fake])
    return None if parts is None else FixedMean(parts.value, (parts.reals, parts.fakes))


def balanced(right: Floats, counted: Flags, fake: Flags) -> FixedMean | None:
    """The mean of sensitivity and specificity; right 0 … 1 and which calls count, raters × images."""
    sides = [share(right[:, kind], counted[:, kind]) for kind in (fake, ~fake)]
    if sides[0] is None or sides[1] is None:
        return None
    parts = tuple(part / 2 for side in sides if side is not None for part in side.influence)
    return FixedMean((sides[0].value + sides[1].value) / 2, parts)


def difference(first: FixedMean, second: FixedMean, *, student: bool = True) -> Estimate:
    """The first less the second, without an image in common."""
    return _difference(
        FixedMean(first.value - second.value, (*first.influence, *second.influence)), student=student
    )


def area_difference(
    reals: Ints, fakes: Ints, other_reals: Ints, other_fakes: Ints, *, student: bool = True
) -> Estimate:
    """The AUC of some fakes less that of others; the columns of both reals are the same images, -1 where not used."""
    sides = [_area_of(*pair) for pair in ((reals, fakes), (other_reals, other_fakes))]
    first, second = sides
    if first is None or second is None:
        return Estimate.undefined(NO_RATER)
    on_reals = first.on_reals | second.on_reals
    both = FixedMean(
        first.value - second.value, ((first.reals - second.reals)[on_reals], first.fakes, -second.fakes)
    )
    return _difference(both, student=student)


def _difference(mean: FixedMean, *, student: bool) -> Estimate:
    if min(len(part) for part in mean.influence) < 2:
        return Estimate(mean.value, reason=TOO_FEW)
    se, df = mean.dispersion()
    if se < TINY:
        return Estimate(
            mean.value, reason="Every image gives the same value, so no standard error can be given."
        )
    return Estimate(mean.value, se, t_interval(mean.value, se, df if student else np.inf))


@dataclass(frozen=True, slots=True, eq=False)
class _AreaParts:
    """A mean AUC with the influence of every real image (0 where nobody used it, see on_reals) and of the fakes."""

    value: float
    reals: Floats
    on_reals: Flags
    fakes: Floats


def _area_of(reals: Ints, fakes: Ints) -> _AreaParts | None:
    raters = np.flatnonzero((reals >= 0).any(axis=1) & (fakes >= 0).any(axis=1))
    if not len(raters):
        return None
    on_reals = (reals[raters] >= 0).any(axis=0)
    influence = [np.zeros(reals.shape[1]), np.zeros(fakes.shape[1])]
    areas = []
    for rater in raters:
        is_rated = reals[rater] >= 0, fakes[rater] >= 0
        placement = placements(reals[rater][is_rated[0]], fakes[rater][is_rated[1]])
        areas.append(placement.auc)
        for side, there, values in zip(
            influence, is_rated, (placement.negative, placement.positive), strict=True
        ):
            side[there] += (np.asarray(values) - placement.auc) / (there.sum() * len(raters))
    return _AreaParts(float(np.mean(areas)), influence[0], np.asarray(on_reals), influence[1])
