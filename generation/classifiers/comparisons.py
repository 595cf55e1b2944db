"""Two classifiers on the same test images: McNemar on what they call, DeLong on how they rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.classifiers.resampling import Floats, Numbers
from pool.placements import covariance, placements


@dataclass(frozen=True, slots=True)
class ClassifierMcNemar:
    """How many images only the first, and only the second gets right; `reason` says why there is no p."""

    only_first: int
    only_second: int
    p: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeLong:
    """The first AUC less the second; `reason` says why there is no p."""

    difference: float
    z: float | None = None
    p: float | None = None
    reason: str | None = None


def mcnemar(truth: Numbers, first_scores: Floats, second_scores: Floats) -> ClassifierMcNemar:
    """How many images only one of them gets right, and the exact p that this is chance (McNemar 1947)."""
    from statsmodels.stats.contingency_tables import mcnemar as test

    first, second = first_scores.argmax(axis=1) == truth, second_scores.argmax(axis=1) == truth
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return ClassifierMcNemar(0, 0, reason="Both get the same images right.")
    p = float(test([[0, only_first], [only_second, 0]], exact=True).pvalue)
    return ClassifierMcNemar(only_first, only_second, p)


def delong(positive: NDArray[np.bool_], first: Floats, second: Floats) -> DeLong:
    """The AUC of `first` less that of `second`, its z and two-sided p (DeLong et al. 1988)."""
    from scipy.stats import norm

    placements_of_both = [placements(scores[~positive], scores[positive]) for scores in (first, second)]
    difference = placements_of_both[0].auc - placements_of_both[1].auc
    if min(positive.sum(), (~positive).sum()) < 2:
        return DeLong(difference, reason="Fewer than two images of one kind.")
    covariances = covariance(placements_of_both)
    variance = covariances[0, 0] + covariances[1, 1] - 2 * covariances[0, 1]
    if variance < 1e-15:
        return DeLong(difference, reason="Both rank every image alike.")
    z = float(difference / np.sqrt(variance))
    return DeLong(difference, z, float(2 * norm.sf(abs(z))))
