"""AUCs and proportions over random raters and images for any design, as U-statistics (what the FDA's iMRMC computes).

Levels are whole numbers from 0, -1 where a rater did not score an image; only their order counts. Fully crossed data
give the mean of the raters' AUCs; otherwise every (rater, real, fake) triple weighs the same.
"""

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
    return mean_of(auc_moments(fake, levels, levels), confidence)


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
    )


def mean(outcomes: Numbers, seen: Flags, confidence: float = 0.95) -> RandomMean:
    """The mean of outcomes (raters × images, 0..1) where `seen`; every rating weighs the same (uStat11, joint)."""
    if not seen.any():
        return RandomMean(Estimate.undefined("There are no ratings."), None)
    return mean_of(mean_moments(outcomes, seen, outcomes, seen), confidence)


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
    )


def mean_moments(first: Numbers, first_seen: Flags, second: Numbers, second_seen: Flags) -> Moments:
    """The moments of two means over raters (r) and images (i)."""
    d, e = first_seen.astype(np.float64), second_seen.astype(np.float64)
    x, y = np.where(first_seen, first, 0.0), np.where(second_seen, second, 0.0)

    def sums(a: Floats, b: Floats) -> Floats:
        by_rater, by_image = (a.sum(axis=1) @ b.sum(axis=1)), (a.sum(axis=0) @ b.sum(axis=0))
        return np.array([a.sum() * b.sum(), by_rater, by_image, (a * b).sum()])

    means = (float(x.sum() / d.sum()), float(y.sum() / e.sum()))
    return Moments(("", "r", "i", "ri"), sums(x, y), sums(d, e), means)


def auc_moments(fake: Flags, first: Ints, second: Ints) -> Moments:
    """The moments of two averaged AUCs over raters (r), real images (i) and fake images (j)."""
    q = int(max(first.max(), second.max())) + 1
    order = np.arange(q)
    wins = (order[None, :] > order[:, None]) + 0.5 * np.eye(q)  # real level × fake level
    numerator, sums = _sums(fake, first, second, wins)
    denominator, pairs = _sums(fake, _seen(first), _seen(second), np.ones((1, 1)))
    return Moments(SETS, numerator, denominator, (sums[0] / pairs[0], sums[1] / pairs[1]))


def _seen(levels: Ints) -> Ints:
    """0 where there is a level: with a kernel of 1, the sums count."""
    return np.where(levels >= 0, 0, -1)


def _why_not(fake: Flags, levels: Ints) -> str | None:
    """Why this has no AUC: no rater with both kinds of image."""
    if reason := one_sided(fake[(levels >= 0).any(axis=0)]):
        return reason
    both = (levels[:, fake] >= 0).any(axis=1) & (levels[:, ~fake] >= 0).any(axis=1)
    return None if both.any() else "No rater scored images of both kinds."


def _sums(fake: Flags, first: Ints, second: Ints, kernel: Floats) -> tuple[Floats, tuple[float, float]]:
    """The eight sums of products of kernel values, in the order of SETS, and the two plain sums."""
    a, b = _Readings(first, fake, kernel), _Readings(second, fake, kernel)
    both = _same_images(a, b, kernel)
    totals = (float(a.by_rater.sum()), float(b.by_rater.sum()))
    found = (
        totals[0] * totals[1],
        a.by_rater @ b.by_rater,
        a.real.sum(axis=0) @ b.real.sum(axis=0),
        a.fake.sum(axis=0) @ b.fake.sum(axis=0),
        (a.real * b.real).sum(),
        (a.fake * b.fake).sum(),
        *both,
    )
    return np.array(found, dtype=np.float64), totals


class _Readings:
    """One set of readings with its kernel summed over what an image is compared with.

    real: (raters × real images), each against all fakes of that rater; fake: the other way round; by_rater: the sums.
    """

    def __init__(self, levels: Ints, fake: Flags, kernel: Floats) -> None:
        q = len(kernel)
        self.of_real, self.of_fake = levels[:, ~fake], levels[:, fake]
        fakes, reals = _level_counts(self.of_fake, q), _level_counts(self.of_real, q)
        self.real = _pick(fakes @ kernel.T, self.of_real)
        self.fake = _pick(reals @ kernel, self.of_fake)
        self.by_rater: Floats = self.real.sum(axis=1)


def _same_images(a: _Readings, b: _Readings, kernel: Floats) -> tuple[float, float]:
    """Sums over pairs with both images in common: whoever the raters, and with the same rater."""
    raters, q = len(a.of_real), len(kernel)
    if raters * q > GRAM_LIMIT:
        return _same_images_directly(a, b, kernel)
    reals, fakes = cross_tables(a.of_real, b.of_real, q), cross_tables(a.of_fake, b.of_fake, q)
    spread = np.einsum("kl,rlsn,mn->rksm", kernel, fakes, kernel, optimize=True)
    by_pair = (reals * spread).sum(axis=(1, 3))
    return float(by_pair.sum()), float(np.trace(by_pair))


def _same_images_directly(a: _Readings, b: _Readings, kernel: Floats) -> tuple[float, float]:
    """The same, one real image at a time: for scores of many levels."""
    padded = np.pad(kernel, ((0, 1), (0, 1)))  # level -1 picks the row and column of zeros
    everyone = same = 0.0
    for i in range(a.of_real.shape[1]):
        x = padded[a.of_real[:, i, None], a.of_fake]
        y = padded[b.of_real[:, i, None], b.of_fake]
        everyone += float(x.sum(axis=0) @ y.sum(axis=0))
        same += float((x * y).sum())
    return everyone, same


def _level_counts(levels: Ints, q: int) -> Floats:
    return np.stack([(levels == k).sum(axis=1) for k in range(q)], axis=1).astype(np.float64)


def _pick(values: Floats, levels: Ints) -> Floats:
    """values[r, levels[r, i]], 0 where the level is missing."""
    picked: Floats = np.take_along_axis(values, np.maximum(levels, 0).astype(np.int64), axis=1)
    return np.where(levels >= 0, picked, 0.0)
