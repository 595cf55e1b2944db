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
from rating.statistics.mrmc import fixed_raters, obuchowski_rockette, ustatistic
from rating.statistics.mrmc.moments import (
    FIXED_RATERS,
    ONE_RATER_ALONE,
    OR_HILLIS,
    U_STATISTIC,
    difference_of,
)
from rating.statistics.mrmc.triples import Area, Levels

ONE_RATER_ONLY = "One rater: the interval speaks of this rater only."
NO_SPREAD = "The rater parts both kinds completely, so no standard error can be given."
TOO_FEW = "Fewer than two images of one kind: no standard error can be given."


@dataclass(frozen=True, slots=True)
class Difference:
    """The first less the second, the two-sided p of there being none, and how both were made.

    Over raters and images like these; of two raters, for these two.
    """

    estimate: Estimate
    p: float | None = None
    method: str = U_STATISTIC


def of_shares(first: Flags, first_seen: Flags, second: Flags, second_seen: Flags) -> Difference:
    """The difference of two shares of calls, all raters × images of its kind."""
    raters = first_seen.any(axis=1) | second_seen.any(axis=1)
    if raters.sum() == 1 and first_seen.any() and second_seen.any():
        (x, n), (y, m) = (
            (int((calls & rated).sum()), int(rated.sum()))
            for calls, rated in ((first, first_seen), (second, second_seen))
        )
        p = float(scipy.stats.fisher_exact(np.array([[x, n - x], [y, m - y]])).pvalue)
        return Difference(
            replace(proportions.difference(x, n, y, m), reason=ONE_RATER_ONLY), p, ONE_RATER_ALONE
        )
    if raters.sum() == 2:
        sides = fixed_raters.share(first, first_seen), fixed_raters.share(second, second_seen)
        if sides[0] and sides[1]:
            return _of_these(fixed_raters.difference(sides[0], sides[1]))
    difference = ustatistic.nested_difference(first, first_seen, second, second_seen)
    if difference.estimate.se is None and _crossed(first_seen[raters], second_seen[raters]):
        moments = (obuchowski_rockette.proportion_moments(calls[raters][None]) for calls in (first, second))
        return _by_variances(*_side_by_side(*moments))
    return Difference(difference.estimate, difference.p())


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
        presence = [(side.cells >= 0).any(axis=0) for side in (reals, fakes)]
        is_fake = np.concatenate([np.zeros(int(presence[0].sum())), np.ones(int(presence[1].sum()))]) == 1
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
    if raters.sum() == 2:
        return _of_these(fixed_raters.area_difference(*sides))
    difference = difference_of(
        first.area.moments,
        second.area.moments,
        first.area.moments_with(second.area, fakes_in_common=False),
        raters=int(raters.sum()),
    )
    if difference.estimate.se is None and _crossed(*(_rated_matrix(side) for side in sides)):
        return _by_variances(*delong(*sides))
    return Difference(difference.estimate, difference.p())


def delong(reals: Ints, fakes: Ints, other_reals: Ints, other_fakes: Ints) -> tuple[Floats, Floats]:
    """The AUCs of two kinds (2, raters) with DeLong's covariances (2, raters, 2, raters); everybody rated all of a kind.

    The columns of the real images are the same of both kinds, -1 where an image is not held against one of them; the
    fakes of the two kinds are others, so that only real images in common make the areas of two kinds covary.
    """
    kinds = ((reals, fakes), (other_reals, other_fakes))
    by_kind: list[tuple[Flags, list[Placements]]] = []
    for of_real, of_fake in kinds:
        reals_used, fakes_used = (np.asarray((side >= 0).any(axis=0)) for side in (of_real, of_fake))
        by_kind.append(
            (
                reals_used,
                [placements(x[reals_used], y[fakes_used]) for x, y in zip(of_real, of_fake, strict=True)],
            )
        )
    raters = len(reals)
    error_covariance: Floats = np.zeros((2, raters, 2, raters))
    negatives = [np.full((raters, reals.shape[1]), np.nan) for _ in kinds]
    for kind, (reals_used, of_rater) in enumerate(by_kind):
        negatives[kind][:, reals_used] = [placement.negative for placement in of_rater]
        error_covariance[kind, :, kind, :] += _covariance(
            np.stack([placement.positive for placement in of_rater])
        )
        error_covariance[kind, :, kind, :] += _covariance(negatives[kind][:, reals_used])
    both = by_kind[0][0] & by_kind[1][0]
    if both.sum() > 1:
        # The mean of each kind is over its own real images; only those in common are in both means.
        joint = np.cov(np.concatenate([matrix[:, both] for matrix in negatives]))[:raters, raters:]
        between = joint * both.sum() / (by_kind[0][0].sum() * by_kind[1][0].sum())
        error_covariance[0, :, 1, :], error_covariance[1, :, 0, :] = between, between.T
    areas = np.array([[placement.auc for placement in of_rater] for _, of_rater in by_kind])
    return areas, error_covariance


def _covariance(values: Floats) -> Floats:
    """Of the means of rows over the same images; 0 where there is one image only."""
    n = values.shape[1]
    if n < 2:
        return np.zeros((len(values), len(values)))
    return np.asarray(np.atleast_2d(np.cov(values)) / n, dtype=np.float64)


def _one_rater(areas: Floats, error_covariance: Floats, *, few: bool) -> Difference:
    difference = float(areas[0, 0] - areas[1, 0])
    if few:
        return Difference(Estimate(difference, reason=TOO_FEW))
    se = float(
        np.sqrt(
            max(
                error_covariance[0, 0, 0, 0]
                + error_covariance[1, 0, 1, 0]
                - 2 * error_covariance[0, 0, 1, 0],
                0.0,
            )
        )
    )
    if se < TINY:
        return Difference(Estimate(difference, reason=NO_SPREAD))
    estimate = Estimate(difference, se, t_interval(difference, se, np.inf), ONE_RATER_ONLY)
    return Difference(estimate, float(2 * scipy.stats.norm.sf(abs(difference) / se)), ONE_RATER_ALONE)


def _of_these(estimate: Estimate) -> Difference:
    """For the two raters at hand, with the normal test."""
    p = None
    if estimate.estimate is not None and estimate.se:
        p = float(2 * scipy.stats.norm.sf(abs(estimate.estimate) / estimate.se))
    return Difference(estimate, p, FIXED_RATERS)


def _by_variances(estimates: Floats, error_covariance: Floats) -> Difference:
    test = obuchowski_rockette.overall(estimates, error_covariance)
    return Difference(test.differences[0, 1], test.p, OR_HILLIS)


def _side_by_side(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The moments of two shares without a common image: nothing covaries between them."""
    raters = first[0].shape[1]
    error_covariance: Floats = np.zeros((2, raters, 2, raters))
    error_covariance[0, :, 0, :], error_covariance[1, :, 1, :] = first[1][0, :, 0, :], second[1][0, :, 0, :]
    return np.concatenate([first[0], second[0]]), error_covariance


def _rated_matrix(levels: Ints) -> Flags:
    """Whether each rater rated each image that anybody rated."""
    rated = levels >= 0
    return np.asarray(rated[:, rated.any(axis=0)])


def _crossed(*matrices: Any) -> bool:
    """Whether two raters at least rated everything, two images of each kind at least."""
    return all(bool(matrix.all()) and min(matrix.shape) > 1 for matrix in matrices)
