"""AUCs and proportions over random raters and images for any design, as U-statistics (what the FDA's iMRMC computes).

Levels are whole numbers from 0, -1 where a rater did not score an image; only their order counts. Fully crossed data
give the mean of the raters' AUCs; otherwise every (rater, real, fake) triple weighs the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.analysis.arrays import Flags, Floats, Ints, Numbers
from rating.analysis.estimate import Estimate
from rating.analysis.moments import Moments, RandomMean, difference_of, mean_of
from rating.analysis.pairs import cross_tables
from rating.analysis.roc import one_sided

SETS = ("", "r", "i", "j", "ri", "rj", "ij", "rij")
GRAM_LIMIT = 3_000  # raters × levels up to which the one-hot product is the quicker way


def auc(truth: Numbers, levels: Ints, confidence: float = 0.95) -> RandomMean:
    """The AUC averaged over raters; truth (images,) 1 fake 0 real, levels (raters × images)."""
    fake = np.asarray(truth) == 1
    if reason := _why_not(fake, levels):
        return RandomMean(Estimate.undefined(reason), None)
    return mean_of(auc_moments(fake, levels, levels), confidence).of_raters(levels >= 0)


def auc_difference(truth: Numbers, first: Ints, second: Ints, confidence: float = 0.95) -> RandomMean:
    """The averaged AUC of `first` less that of `second`: same raters (rows) and images (columns)."""
    fake = np.asarray(truth) == 1
    if reason := _why_not(fake, first) or _why_not(fake, second):
        return RandomMean(Estimate.undefined(reason), None)
    return difference_of(
        auc_moments(fake, first, first),
        auc_moments(fake, second, second),
        auc_moments(fake, first, second),
        confidence,
    ).of_raters((first >= 0) | (second >= 0))


def mean(outcomes: Numbers, seen: Flags, confidence: float = 0.95) -> RandomMean:
    """The mean of outcomes (raters × images, 0..1) where `seen`; every rating weighs the same (uStat11, joint)."""
    if not seen.any():
        return RandomMean(Estimate.undefined("There are no ratings."), None)
    return mean_of(mean_moments(outcomes, seen, outcomes, seen), confidence).of_raters(seen)


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
    ).of_raters(np.concatenate([first_seen, second_seen], axis=1))


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
    ).of_raters(np.concatenate([first_seen, second_seen], axis=1))


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


def auc_moments(fake: Flags, first: Ints, second: Ints) -> Moments:
    """The moments of two averaged AUCs over raters (r), real images (i) and fake images (j)."""
    q = int(max(first.max(), second.max())) + 1
    order = np.arange(q)
    wins = (order[None, :] > order[:, None]) + 0.5 * np.eye(q)  # real level × fake level
    readings, counted, means = [], [], []
    for levels in (first,) if first is second else (first, second):
        scored, present = _Readings(levels, fake, wins), _Readings(_seen(levels), fake, np.ones((1, 1)))
        mean = float(scored.by_rater.sum() / present.by_rater.sum())
        scored.subtract(mean, present)
        readings.append(scored)
        counted.append(present)
        means.append(mean)
    plain, centred = _sums(counted[0], counted[-1]), _sums(readings[0], readings[-1])
    return Moments(SETS, centred, plain, (means[0], means[-1]))


def _seen(levels: Ints) -> Ints:
    """0 where there is a level: with a kernel of 1, the sums count."""
    return np.where(levels >= 0, 0, -1)


def _why_not(fake: Flags, levels: Ints) -> str | None:
    """Why this has no AUC: no rater with both kinds of image."""
    if reason := one_sided(fake[(levels >= 0).any(axis=0)]):
        return reason
    both = (levels[:, fake] >= 0).any(axis=1) & (levels[:, ~fake] >= 0).any(axis=1)
    return None if both.any() else "No rater scored images of both kinds."


def _sums(a: _Readings, b: _Readings) -> Floats:
    """The eight sums of products of kernel values over pairs of (rater, real, fake), in the order of SETS."""
    found = (
        a.by_rater.sum() * b.by_rater.sum(),
        a.by_rater @ b.by_rater,
        a.real.sum(axis=0) @ b.real.sum(axis=0),
        a.fake.sum(axis=0) @ b.fake.sum(axis=0),
        (a.real * b.real).sum(),
        (a.fake * b.fake).sum(),
        *_same_images(a, b),
    )
    return np.array(found, dtype=np.float64)


class _Readings:
    """One set of readings with its kernel summed over what an image is compared with.

    real: (raters × real images), each against all fakes of that rater; fake: the other way round; by_rater: the sums.
    """

    def __init__(self, levels: Ints, fake: Flags, kernel: Floats) -> None:
        q, self.kernel = len(kernel), kernel
        self.of_real, self.of_fake = levels[:, ~fake], levels[:, fake]
        fakes, reals = _level_counts(self.of_fake, q), _level_counts(self.of_real, q)
        self.real = _pick(fakes @ kernel.T, self.of_real)
        self.fake = _pick(reals @ kernel, self.of_fake)
        self.by_rater: Floats = self.real.sum(axis=1)

    def subtract(self, value: float, present: _Readings) -> None:
        """Take `value` from the kernel of every pair of images that is there."""
        self.kernel = self.kernel - value
        self.real = self.real - value * present.real
        self.fake = self.fake - value * present.fake
        self.by_rater = self.by_rater - value * present.by_rater


def _same_images(a: _Readings, b: _Readings) -> tuple[float, float]:
    """Sums over pairs with both images in common: whoever the raters, and with the same rater."""
    raters, q = len(a.of_real), len(a.kernel)
    if raters * q > GRAM_LIMIT:
        return _same_images_directly(a, b)
    reals, fakes = cross_tables(a.of_real, b.of_real, q), cross_tables(a.of_fake, b.of_fake, q)
    spread = np.einsum("kl,rlsn,mn->rksm", a.kernel, fakes, b.kernel, optimize=True)
    by_pair = (reals * spread).sum(axis=(1, 3))
    return float(by_pair.sum()), float(np.trace(by_pair))


def _same_images_directly(a: _Readings, b: _Readings) -> tuple[float, float]:
    """The same, one real image at a time: for scores of many levels."""
    # Level -1 picks the row and column of zeros.
    mine, theirs = (np.pad(one.kernel, ((0, 1), (0, 1))) for one in (a, b))
    everyone = same = 0.0
    for i in range(a.of_real.shape[1]):
        x = mine[a.of_real[:, i, None], a.of_fake]
        y = theirs[b.of_real[:, i, None], b.of_fake]
        everyone += float(x.sum(axis=0) @ y.sum(axis=0))
        same += float((x * y).sum())
    return everyone, same


def _level_counts(levels: Ints, q: int) -> Floats:
    return np.stack([(levels == k).sum(axis=1) for k in range(q)], axis=1).astype(np.float64)


def _pick(values: Floats, levels: Ints) -> Floats:
    """values[r, levels[r, i]], 0 where the level is missing."""
    picked: Floats = np.take_along_axis(values, np.maximum(levels, 0).astype(np.int64), axis=1)
    return np.where(levels >= 0, picked, 0.0)
