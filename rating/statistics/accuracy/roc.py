"""The area under the ROC curve, one rater at a time: with ties, with DeLong's covariances, and the curve itself.

Scores rise with "fake": real 0 < unsure 1 < fake 2, or confidence with the sign of the label. DeLong, DeLong &
Clarke-Pearson 1988 (Biometrics 44:837) by placements; Hanley & McNeil 1982 (Radiology 143:29).
"""

from dataclasses import dataclass

import numpy as np
import scipy

from pool.placements import Placements, covariance, placements
from rating.statistics.arrays import TINY, Flags, Floats, Numbers
from rating.statistics.estimate import Estimate, exact_bound, logit_interval, t_interval

PERFECT = (
    "The scores part real from fake completely (or never), so no standard error can be given; the interval is the "
    "exact one for the smaller of the two groups."
)


def auc(truth: Numbers, scores: Numbers, confidence: float = 0.95, *, wald: bool = False) -> Estimate:
    """The AUC of scores against truth (1 fake, 0 real) with DeLong's standard error.

    The interval is that of the logit, which respects 0 and 1; wald: DeLong's own, symmetric one.

    >>> auc([0, 0, 1, 1], [0, 1, 1, 2]).estimate  # three pairs won and a tie, of four
    0.875
    """
    fake = np.asarray(truth) == 1
    if reason := one_sided(fake):
        return Estimate.undefined(reason)
    placement = placements(np.asarray(scores)[~fake], np.asarray(scores)[fake])
    if min(len(placement.positive), len(placement.negative)) < 2:
        return Estimate(
            placement.auc, reason="Fewer than two images of one kind: no standard error can be given."
        )
    se = float(np.sqrt(covariance([placement])[0, 0]))
    if se < TINY:
        return _without_error(placement, confidence)
    interval = (
        t_interval(placement.auc, se, np.inf, confidence=confidence, bounds=(0, 1))
        if wald
        else logit_interval(placement.auc, se, np.inf, confidence=confidence)
    )
    return Estimate(placement.auc, se, interval)


def one_sided(fake: Flags) -> str | None:
    """Why these images have no AUC, if they have none."""
    if not len(fake):
        return "There are no ratings."
    if fake.all():
        return "All images are fake: how often they fool is known, but not whether raters can tell fake from real."
    return "All images are real, so no AUC exists." if not fake.any() else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two AUCs on the same images, its z and two-sided p (None with no variation)."""

    difference: Estimate
    z: float | None
    p: float | None


def compare(truth: Numbers, first: Numbers, second: Numbers, confidence: float = 0.95) -> Comparison:
    """The AUC of `first` less that of `second`, paired by image (DeLong)."""
    fake = np.asarray(truth) == 1
    if reason := one_sided(fake):
        return Comparison(Estimate.undefined(reason), None, None)
    pair = [placements(np.asarray(s)[~fake], np.asarray(s)[fake]) for s in (first, second)]
    difference = pair[0].auc - pair[1].auc
    if min(len(pair[0].positive), len(pair[0].negative)) < 2:
        reason = "Fewer than two images of one kind: no standard error can be given."
        return Comparison(Estimate(difference, reason=reason), None, None)
    covariances = covariance(pair)
    se = float(np.sqrt(max(covariances[0, 0] + covariances[1, 1] - 2 * covariances[0, 1], 0.0)))
    if se < TINY:
        return Comparison(
            Estimate(difference, reason="The two differ in the same way on every image."), None, None
        )
    z = difference / se
    interval = t_interval(difference, se, np.inf, confidence=confidence)
    return Comparison(Estimate(difference, se, interval), z, float(2 * scipy.stats.norm.sf(abs(z))))


def hanley_mcneil_se(area: float, positives: int, negatives: int) -> float:
    """The standard error of an AUC by Hanley and McNeil's formula for exponential scores."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    above = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return float(np.sqrt(above / (positives * negatives)))


def curve(truth: Numbers, scores: Numbers) -> tuple[Floats, Floats]:
    """False-alarm rates and hit rates at every threshold, from (0, 0) to (1, 1); both kinds must be there."""
    fake, score = np.asarray(truth) == 1, np.asarray(scores, dtype=np.float64)
    levels = np.unique(score)[::-1]
    calls = score[None, :] >= levels[:, None]
    hits = (calls & fake).sum(axis=1) / fake.sum()
    alarms = (calls & ~fake).sum(axis=1) / (~fake).sum()
    return np.concatenate([[0.0], alarms]), np.concatenate([[0.0], hits])


def _without_error(placement: Placements, confidence: float) -> Estimate:
    if TINY < placement.auc < 1 - TINY:
        return Estimate(
            placement.auc, reason="Every image has the same placement, so no standard error can be given."
        )
    smaller = min(len(placement.positive), len(placement.negative))
    return Estimate(placement.auc, ci=exact_bound(placement.auc, smaller, confidence), reason=PERFECT)
