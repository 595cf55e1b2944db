"""Numbers averaged over raters by both methods: the U-statistic for any design, Obuchowski-Rockette/Hillis where all rated all."""

from __future__ import annotations

from dataclasses import dataclass

from rating.statistics.accuracy import roc
from rating.statistics.arrays import Flags, Floats, Ints
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import obuchowski_rockette
from rating.statistics.mrmc.moments import OR_HILLIS, RandomMean

NOT_CROSSED = (
    "Not every rater rated every image, so Obuchowski–Rockette does not apply: the U-statistic does."
)
SOME_CALLS_DO_NOT_COUNT = "Not every rater has a call that counts on every image, so Obuchowski–Rockette does not apply: the U-statistic does."
TOO_FEW = "Two fake and two real images at least are needed."


def area_over_raters(fake: Flags, levels: Ints) -> RandomMean:
    """The reader-averaged AUC by Obuchowski and Rockette; levels raters × images, -1 missing.

    >>> fake, levels = np.array([False, False, True, True]), np.array([[0, 1, 1, 2], [0, 0, 1, 1]])
    >>> area_over_raters(fake, levels).estimate.estimate
    0.9375
    """
    there = levels[(levels >= 0).any(axis=1)]
    images = (there >= 0).any(axis=0)
    there, fake = there[:, images], fake[images]
    if reason := roc.one_sided(fake):
        return RandomMean(Estimate.undefined(reason), None)
    if (there < 0).any():
        return RandomMean(Estimate.undefined(NOT_CROSSED), None)
    if min(fake.sum(), (~fake).sum()) < 2:
        return RandomMean(Estimate.undefined(TOO_FEW), None)
    average = obuchowski_rockette.average_reader(*obuchowski_rockette.auc_moments(fake, there[None]))[0]
    return RandomMean(average.estimate, average.df, method=OR_HILLIS)


def share_over_raters(values: Floats | Flags, counted: Flags) -> RandomMean:
    """The same of a share of calls; values 0 … 1 and which count, raters × images.

    >>> called_real = np.array([[1, 0, 1, 1], [1, 0, 0, 1], [1, 1, 0, 1]])
    >>> round(share_over_raters(called_real, np.ones((3, 4), dtype=bool)).estimate.estimate, 4)
    0.6667
    """
    there = counted.any(axis=1)
    images = counted.any(axis=0)
    part = counted[there][:, images]
    if not part.all():
        return RandomMean(Estimate.undefined(SOME_CALLS_DO_NOT_COUNT), None)
    if part.shape[1] < 2:
        return RandomMean(Estimate.undefined("Two images at least are needed."), None)
    average = obuchowski_rockette.average_reader(
        *obuchowski_rockette.proportion_moments(values[there][:, images][None])
    )[0]
    return RandomMean(average.estimate, average.df, method=OR_HILLIS)


@dataclass(frozen=True, slots=True)
class BothMethods:
    """A number averaged over raters by both methods."""

    u_statistic: RandomMean
    or_hillis: RandomMean


def by_both_methods(u_statistic: RandomMean, values: Floats | Flags, counted: Flags) -> BothMethods:
    """A share's U-statistic with its Obuchowski-Rockette twin; where there is none, none of both for the same reason."""
    undefined = u_statistic.estimate.estimate is None
    return BothMethods(u_statistic, u_statistic if undefined else share_over_raters(values, counted))
