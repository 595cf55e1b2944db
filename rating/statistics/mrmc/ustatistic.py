"""AUCs and proportions over random raters and images for any design, as U-statistics (what the FDA's iMRMC computes).

Levels are whole numbers from 0, -1 where a rater did not score an image; only their order counts. Fully crossed data
give the mean of the raters' AUCs; otherwise every (rater, real, fake) triple weighs the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rating.statistics.accuracy.roc import one_sided
from rating.statistics.arrays import Flags, Floats, Ints, Numbers
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import fixed_raters
from rating.statistics.mrmc.moments import Moments, RandomMean, difference_of, random_mean
from rating.statistics.mrmc.triples import Area, Levels


def auc(truth: Numbers, levels: Ints, confidence: float = 0.95) -> RandomMean:
    """The AUC averaged over raters; truth (images,) 1 fake 0 real, levels (raters × images).

    >>> average = auc([0, 0, 1, 1], np.array([[0, 1, 1, 2], [0, 0, 1, 1]]))  # 0.875 and 1
    >>> average.estimate.estimate
    0.9375
    """
    fake = np.asarray(truth) == 1
    if reason := _why_not(fake, levels):
        return RandomMean(Estimate.undefined(reason), None)
    area = _area(fake, levels, int(levels.max()) + 1)
    raters = int((levels >= 0).any(axis=1).sum())
    return random_mean(area.mean, area.moments.dispersion(), confidence, raters=raters)


def auc_difference(truth: Numbers, first: Ints, second: Ints, confidence: float = 0.95) -> RandomMean:
    """The averaged AUC of `first` less that of `second`: same raters (rows) and images (columns)."""
    fake = np.asarray(truth) == 1
    if reason := _why_not(fake, first) or _why_not(fake, second):
        return RandomMean(Estimate.undefined(reason), None)
    q = int(max(first.max(), second.max())) + 1
    a, b = _area(fake, first, q), _area(fake, second, q)
    raters = int(((first >= 0) | (second >= 0)).any(axis=1).sum())
    return difference_of(a.moments, b.moments, a.moments_with(b), confidence, raters=raters)


def mean(
    outcomes: Numbers, rated: Flags, confidence: float = 0.95, *, these_raters: bool = False
) -> RandomMean:
    """The mean of outcomes (raters × images, 0..1) where `rated`; every rating weighs the same (uStat11, joint).

    With that for the raters at hand beside it, where `these_raters` asks so.

    >>> called_real = np.array([[1, 0, 1, 1], [1, 0, 0, 1], [1, 1, 0, 1]])
    >>> round(mean(called_real, np.ones((3, 4), dtype=bool)).estimate.estimate, 4)
    0.6667
    """
    if not rated.any():
        return RandomMean(Estimate.undefined("There are no ratings."), None)
    moments = mean_moments(outcomes, rated, outcomes, rated)
    raters = int(rated.any(axis=1).sum())
    average = random_mean(moments.means[0], moments.dispersion(), confidence, raters=raters)
    of_these = fixed_raters.share(outcomes, rated) if these_raters else None
    return replace(average, these_raters=of_these.estimate()) if of_these else average


def mean_difference(
    first: Numbers, first_seen: Flags, second: Numbers, second_seen: Flags, confidence: float = 0.95
) -> RandomMean:
    """The mean of `first` less that of `second`; an image of one only (nested) is simply unseen in the other."""
    if not (first_seen.any() and second_seen.any()):
        return RandomMean(Estimate.undefined("There are no ratings."), None)
    return difference_of(
        mean_moments(first, first_seen, first, first_seen),
        mean_moments(second, second_seen, second, second_seen),
        mean_moments(first, first_seen, second, second_seen),
        confidence,
        raters=int((first_seen.any(axis=1) | second_seen.any(axis=1)).sum()),
    )


def mean_moments(first: Numbers, first_seen: Flags, second: Numbers, second_seen: Flags) -> Moments:
    """The moments of two means over raters (r) and images (i)."""
    d, x = _Sums.of(first_seen), _Sums.of(np.where(first_seen, first, 0.0))
    if second is first and second_seen is first_seen:
        # x is 0 where d is, and d is 0 or 1, so that these sums over single cells are totals.
        return _centred(d, x, d, x, (d.total, x.total, x.total, float(np.vdot(x.cells, x.cells))))
    e, y = _Sums.of(second_seen), _Sums.of(np.where(second_seen, second, 0.0))
    same = (
        np.vdot(d.cells, e.cells),
        np.vdot(x.cells, e.cells),
        np.vdot(d.cells, y.cells),
        np.vdot(x.cells, y.cells),
    )
    return _centred(d, x, e, y, (float(same[0]), float(same[1]), float(same[2]), float(same[3])))


def nested_difference(
    first: Numbers, first_seen: Flags, second: Numbers, second_seen: Flags, confidence: float = 0.95
) -> RandomMean:
    """The mean of `first` less that of `second`: the same raters (rows), but no image in common."""
    if not (first_seen.any() and second_seen.any()):
        return RandomMean(Estimate.undefined("There are no ratings."), None)
    d, x = _Sums.of(first_seen), _Sums.of(np.where(first_seen, first, 0.0))
    e, y = _Sums.of(second_seen), _Sums.of(np.where(second_seen, second, 0.0))
    return difference_of(
        _centred(d, x, d, x, (d.total, x.total, x.total, float(np.vdot(x.cells, x.cells)))),
        _centred(e, y, e, y, (e.total, y.total, y.total, float(np.vdot(y.cells, y.cells)))),
        _centred(d, x, e, y, None),
        confidence,
        raters=int((first_seen.any(axis=1) | second_seen.any(axis=1)).sum()),
    )


def _centred(
    d: _Sums, x: _Sums, e: _Sums, y: _Sums, same: tuple[float, float, float, float] | None
) -> Moments:
    """The moments of two means about themselves; same: the sums over single cells of d·e, x·e, d·y and x·y, or None
    where the two have no image in common."""
    m, n = x.total / d.total, y.total / e.total
    shared = same is not None
    of_d, of_x, of_dy, of_xy = same or (0.0, 0.0, 0.0, 0.0)
    plain = d.products(e, of_d, images=shared)
    centred = (
        x.products(y, of_xy, images=shared)
        - n * x.products(e, of_x, images=shared)
        - m * d.products(y, of_dy, images=shared)
        + m * n * plain
    )
    return Moments(("", "r", "i", "ri"), centred, plain, (m, n))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """A matrix raters × images with its margins, each taken once."""

    cells: Floats
    by_rater: Floats
    by_image: Floats
    total: float

    @classmethod
    def of(cls, cells: Floats | Flags) -> _Sums:
        x = np.asarray(cells, dtype=np.float64)
        by_rater = x.sum(axis=1)
        return cls(x, by_rater, x.sum(axis=0), float(by_rater.sum()))

    def products(self, other: _Sums, same: float, *, images: bool) -> Floats:
        """Sums of products over all pairs of cells, those of one rater, of one image, and over single cells."""
        of_images = float(self.by_image @ other.by_image) if images else 0.0
        return np.array([self.total * other.total, self.by_rater @ other.by_rater, of_images, same])


def _area(fake: Flags, levels: Ints, q: int) -> Area:
    return Area(Levels(levels[:, ~fake], q), Levels(levels[:, fake], q))


def _why_not(fake: Flags, levels: Ints) -> str | None:
    """Why this has no AUC: no rater with both kinds of image."""
    if reason := one_sided(fake[(levels >= 0).any(axis=0)]):
        return reason
    both = (levels[:, fake] >= 0).any(axis=1) & (levels[:, ~fake] >= 0).any(axis=1)
    return None if both.any() else "No rater scored images of both kinds."
