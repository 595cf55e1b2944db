"""Scores of one classifier on all resamples at once: weighted counts instead of a loop over the bootstrap.

Precision, recall, F1 and AUC are those of each class against the rest, and their plain mean over classes (macro);
the mean recall is the balanced accuracy. Expected calibration error: Guo et al. 2017 (ICML), ten equal bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.classifiers.resampling import Floats, Numbers

BINS = 10
SCORES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "ece", "brier")


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """The images about which a classifier was about so sure: how sure, how often right, how many."""

    confidence: float
    accuracy: float
    images: int


def scores(truth: Numbers, probabilities: Floats, counts: Floats) -> dict[str, Floats]:
    """Each of `SCORES` as (resamples,), from probabilities (images, classes) and counts (resamples, images)."""
    by_class = scores_by_class(truth, probabilities, counts)
    table = confusion(truth, probabilities.argmax(axis=1), counts, probabilities.shape[1])
    total = counts.sum(axis=1)
    hot = np.eye(probabilities.shape[1])[truth]
    macro = {name: by_class[name].mean(axis=1) for name in ("precision", "recall", "f1", "auc")}
    return {
        "accuracy": np.trace(table, axis1=1, axis2=2) / total,
        "balanced_accuracy": macro["recall"],
        **macro,
        "ece": calibration_error(truth, probabilities, counts),
        "brier": counts @ ((probabilities - hot) ** 2).sum(axis=1) / total,
    }


def scores_by_class(truth: Numbers, probabilities: Floats, counts: Floats) -> dict[str, Floats]:
    """Precision, recall, F1 and AUC of each class against the rest, (resamples, classes).

    The precision of a class that is never predicted is 0, as scikit-learn has it.
    """
    classes = probabilities.shape[1]
    table = confusion(truth, probabilities.argmax(axis=1), counts, classes)
    hits = np.diagonal(table, axis1=1, axis2=2)
    there, predicted = table.sum(axis=2), table.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": np.where(predicted > 0, hits / predicted, 0.0),
            "recall": hits / there,
            "f1": 2 * hits / (there + predicted),
            "auc": np.stack(
                [
                    weighted_auc(truth == number, probabilities[:, number], counts)
                    for number in range(classes)
                ],
                axis=1,
            ),
        }


def confusion(truth: Numbers, predicted: Numbers, counts: Floats, classes: int) -> Floats:
    """Tables (resamples, classes, classes): the truth in rows, what was predicted in columns."""
    cells = np.eye(classes * classes)[truth * classes + predicted]
    tables: Floats = (counts @ cells).reshape(len(counts), classes, classes)
    return tables


def weighted_auc(positive: NDArray[np.bool_], score: Floats, counts: Floats) -> Floats:
    """The AUC of each resample, ties half: the chance that a positive scores above a negative."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
    sorted_counts = counts[:, order]
    above = np.add.reduceat(sorted_counts * positive[order], starts, axis=1)
    below = np.add.reduceat(sorted_counts * ~positive[order], starts, axis=1)
    lower = np.cumsum(below, axis=1) - below / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((above * lower).sum(axis=1) / (above.sum(axis=1) * below.sum(axis=1)))


def calibration_error(truth: Numbers, probabilities: Floats, counts: Floats) -> Floats:
    """Expected calibration error of the class called: the mean distance of confidence from accuracy over bins."""
    sure, right, bins = _bins(truth, probabilities)
    hot = np.eye(BINS)[bins]
    gap = counts @ (hot * (sure - right)[:, None])
    return np.asarray(np.abs(gap).sum(axis=1) / counts.sum(axis=1))


def reliability(truth: Numbers, probabilities: Floats) -> list[ConfidenceBin]:
    """For each bin that holds images: how sure, how often right, how many."""
    sure, right, bins = _bins(truth, probabilities)
    return [
        ConfidenceBin(
            float(sure[bins == place].mean()), float(right[bins == place].mean()), int((bins == place).sum())
        )
        for place in np.unique(bins)
    ]


def _bins(truth: Numbers, probabilities: Floats) -> tuple[Floats, Floats, Numbers]:
    sure = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    return sure, right, np.minimum((sure * BINS).astype(np.int64), BINS - 1)
