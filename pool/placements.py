"""Placements: the building block of the area under the ROC curve and of DeLong's covariances, for both sides of the house.

DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placements:
    """For each positive the share of negatives scored below it, for each negative the share of positives above it.

    positive: (n,), negative: (m,); ties count half. Both have the AUC as their mean.
    """

    positive: Floats
    negative: Floats

    @property
    def auc(self) -> float:
        return float(self.positive.mean())


def placements(negative: npt.ArrayLike, positive: npt.ArrayLike) -> Placements:
    """The placements of two samples of scores, each non-empty."""
    x, y = np.asarray(negative, dtype=np.float64), np.asarray(positive, dtype=np.float64)
    return Placements(_share_below(x, y), 1 - _share_below(y, x))


def covariance(placements_of_raters: Sequence[Placements]) -> Floats:
    """DeLong's covariance matrix of the AUCs of several raters (or tests) on the same images."""
    positive = np.stack([placement.positive for placement in placements_of_raters])
    negative = np.stack([placement.negative for placement in placements_of_raters])
    covariances = (
        np.atleast_2d(np.cov(positive)) / positive.shape[1]
        + np.atleast_2d(np.cov(negative)) / negative.shape[1]
    )
    return np.asarray(covariances, dtype=np.float64)


def _share_below(sample: Floats, values: Floats) -> Floats:
    """For each value the share of the sample below it, ties half."""
    ordered = np.sort(sample)
    below = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(below / (2 * len(ordered)), dtype=np.float64)
