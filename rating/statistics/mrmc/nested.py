"""Differences between two kinds of fakes: the same raters, no fake in common, real images shared or not.

For raters and images like these the U-statistic, whose covariance is what the shared raters and real images leave.
Where its variance is not positive and everybody rated everything, Obuchowski-Rockette with Hillis' degrees of freedom;
of one rater DeLong's for areas, Newcombe's interval and Fisher's exact test for shares.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from pool.placements import Placements, placements
from rating.statistics import proportions
from rating.statistics.accuracy.roc import one_sided
from rating.statistics.arrays import TINY, Flags, Floats, Ints
from rating.statistics.estimate import Estimate, t_interval
from rating.statistics.mrmc import obuchowski_rockette, ustatistic
from rating.statistics.mrmc.moments import difference_of
from rating.statistics.mrmc.triples import Area, Levels

ONE_RATER_ONLY = "One rater: the interval speaks of this rater only."
NO_SPREAD = "The rater parts both kinds completely, so no standard error can be given."
TOO_FEW = "Fewer than two images of one kind: no standard error can be given."


@dataclass(frozen=True, slots=True)
class Difference:
    """The first less the second, and the two-sided p of there being none."""

    estimate: Estimate
    p: float | None = None


def of_shares(first: Flags, first_seen: Flags, second: Flags, second_seen: Flags) -> Difference:
    """The difference of two shares of calls, all raters × images of its kind."""
    raters = first_seen.any(axis=1) | second_seen.any(axis=1)
    if raters.sum() == 1 and first_seen.any() and second_seen.any():
        (x, n), (y, m) = (
            (int((called & seen).sum()), int(seen.sum()))
            for called, seen in ((first, first_seen), (second, second_seen))
        )
        p = float(scipy.stats.fisher_exact(np.array([[x, n - x], [y, m - y]])).pvalue)
        return Difference(replace(proportions.difference(x, n, y, m), reason=ONE_RATER_ONLY), p)
    found = ustatistic.nested_difference(first, first_seen, second, second_seen)
    if found.estimate.se is None and _crossed(first_seen[raters], second_seen[raters]):
        moments = (obuchowski_rockette.proportion_moments(calls[raters][None]) for calls in (first, second))
        return _by_variances(*_side_by_side(*moments))
    return Difference(found.estimate, found.p())


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """The levels of one kind's fakes and of the real images they are held against, with the area they give.

    reals: raters × all real images of the study, -1 also where one is not held against this kind.
    """

    reals: Levels
    fakes: Levels
    area: Area | None
    reason: str | None

    @classmethod
    def of(cls, reals: Levels, fakes: Levels) -> Kind:
        has_both = (reals.cells >= 0).any(axis=1) & (fakes.cells >= 0).any(axis=1)
        seen = [(side.cells >= 0).any(axis=0) for side in (reals, fakes)]
        is_fake = np.concatenate([np.zeros(int(seen[0].sum())), np.ones(int(seen[1].sum()))]) == 1
        reason = one_sided(is_fake) or (None if has_both.any() else "No rater rated images of both kinds.")
        return cls(reals, fakes, None if reason else Area(reals, fakes), reason)


def of_areas(first: Kind, second: Kind) -> Difference:
    """The difference of two AUCs averaged over raters."""
    if first.area is None or second.area is None:
        return Difference(Estimate.undefined(str(first.reason or second.reason)))
    raters = np.asarray(first.area.present.by_rater > 0) | np.asarray(second.area.present.by_rater > 0)
    sides = [side.cells[raters] for side in (first.reals, first.fakes, second.reals, second.fakes)]
    few = min((side >= 0).any(axis=0).sum() for side in sides) < 2
    if raters.sum() == 1:
        return _one_rater(*delong(*sides), few=few)
    found = difference_of(
        first.area.moments,
        second.area.moments,
        first.area.moments_with(second.area, fakes_in_common=False),
    ).of_raters(raters[:, None])
    if found.estimate.se is None and _crossed(*(_used(side) for side in sides)):
        return _by_variances(*delong(*sides))
    return Difference(found.estimate, found.p())


def delong(reals: Ints, fakes: Ints, other_reals: Ints, other_fakes: Ints) -> tuple[Floats, Floats]:
    """The AUCs of two kinds (2, raters) with DeLong's covariances (2, raters, 2, raters); everybody rated all of a kind.

    The columns of the real images are the same of both kinds, -1 where an image is not held against one of them; the
    fakes of the two kinds are others, so that only real images in common make the areas of two kinds covary.
    """
    kinds = ((reals, fakes), (other_reals, other_fakes))
    placed: list[tuple[Flags, list[Placements]]] = []
    for of_real, of_fake in kinds:
        used, made = (np.asarray((side >= 0).any(axis=0)) for side in (of_real, of_fake))
        placed.append((used, [placements(x[used], y[made]) for x, y in zip(of_real, of_fake, strict=True)]))
    raters = len(reals)
    spread: Floats = np.zeros((2, raters, 2, raters))
    negatives = [np.full((raters, reals.shape[1]), np.nan) for _ in kinds]
    for kind, (used, of_rater) in enumerate(placed):
        negatives[kind][:, used] = [one.negative for one in of_rater]
        spread[kind, :, kind, :] += _covariance(np.stack([one.positive for one in of_rater]))
        spread[kind, :, kind, :] += _covariance(negatives[kind][:, used])
    both = placed[0][0] & placed[1][0]
    if both.sum() > 1:
        # The mean of each kind is over its own real images; only those in common are in both means.
        joint = np.cov(np.concatenate([one[:, both] for one in negatives]))[:raters, raters:]
        between = joint * both.sum() / (placed[0][0].sum() * placed[1][0].sum())
        spread[0, :, 1, :], spread[1, :, 0, :] = between, between.T
    areas = np.array([[one.auc for one in of_rater] for _, of_rater in placed])
    return areas, spread


def _covariance(values: Floats) -> Floats:
    """Of the means of rows over the same images; 0 where there is one image only."""
    n = values.shape[1]
    if n < 2:
        return np.zeros((len(values), len(values)))
    return np.asarray(np.atleast_2d(np.cov(values)) / n, dtype=np.float64)


def _one_rater(areas: Floats, spread: Floats, *, few: bool) -> Difference:
    difference = float(areas[0, 0] - areas[1, 0])
    if few:
        return Difference(Estimate(difference, reason=TOO_FEW))
    se = float(np.sqrt(max(spread[0, 0, 0, 0] + spread[1, 0, 1, 0] - 2 * spread[0, 0, 1, 0], 0.0)))
    if se < TINY:
        return Difference(Estimate(difference, reason=NO_SPREAD))
    estimate = Estimate(difference, se, t_interval(difference, se, np.inf), ONE_RATER_ONLY)
    return Difference(estimate, float(2 * scipy.stats.norm.sf(abs(difference) / se)))


def _by_variances(estimates: Floats, spread: Floats) -> Difference:
    found = obuchowski_rockette.overall(estimates, spread)
    return Difference(found.differences[0, 1], found.p)


def _side_by_side(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The moments of two shares without a common image: nothing covaries between them."""
    raters = first[0].shape[1]
    spread: Floats = np.zeros((2, raters, 2, raters))
    spread[0, :, 0, :], spread[1, :, 1, :] = first[1][0, :, 0, :], second[1][0, :, 0, :]
    return np.concatenate([first[0], second[0]]), spread


def _used(levels: Ints) -> Flags:
    """Whether each rater rated each image that anybody rated."""
    seen = levels >= 0
    return np.asarray(seen[:, seen.any(axis=0)])


def _crossed(*seen: Any) -> bool:
    """Whether two raters at least rated everything, two images of each kind at least."""
    return all(bool(one.all()) and min(one.shape) > 1 for one in seen)
