"""How well a program tells two arms apart by some features, and how well it would by luck.

The AUC is that of a kernel ridge classifier with linear and pairwise terms, cross-validated; the band comes
from shuffling the truth within the folds and training again. All shuffles share their features, so one
fit with a column of targets for each does the work of a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST = 10  # of each arm; with fewer every band is as wide as the scale
FOLDS = 5
SHUFFLES = 1000
CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class Separability:
    """The AUC, the 1st and 99th percentile of the AUCs under shuffled truth, and its rank among them."""

    auc: float
    low: float
    high: float
    p: float


def separability(features: Floats, synthetic: Flags, *, seed: int, shuffles: int = SHUFFLES) -> Separability:
    """Cross-validated AUC of the arms by these features (images × features), with its permutation band.

    Raises ValueError with fewer than FEWEST images in an arm.
    """
    from sklearn.kernel_ridge import KernelRidge  # here, so that the web process never loads it
    from sklearn.model_selection import StratifiedKFold

    if min(synthetic.sum(), (~synthetic).sum()) < FEWEST:
        raise ValueError(f"An arm has fewer than {FEWEST} images.")
    columns = _normal_scores(features)
    if columns.shape[1] == 0:
        return Separability(CHANCE, CHANCE, CHANCE, 1.0)
    generator = np.random.default_rng(seed)
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32).split(columns, synthetic))
    truths = _shuffled_within(synthetic, [test for _, test in folds], shuffles, generator)
    aucs = np.zeros(shuffles + 1)
    for train, test in folds:
        classifier = KernelRidge(alpha=1.0, kernel="poly", degree=2, gamma=1 / columns.shape[1], coef0=1)
        classifier.fit(columns[train], truths[train] - truths[train].mean(axis=0))
        aucs += _aucs(classifier.predict(columns[test]), truths[test]) / len(folds)
    by_luck = aucs[1:]
    low, high = np.percentile(by_luck, [1, 99])
    p = (1 + np.sum(by_luck >= aucs[0])) / (1 + shuffles)
    return Separability(float(aucs[0]), float(low), float(high), float(p))


def _normal_scores(features: Floats) -> Floats:
    """Each feature by ranks, as normal quantiles: no outlier leads, and no scale matters; constants go."""
    from scipy import stats

    varied = features[:, np.ptp(features, axis=0) > 0]
    if varied.shape[1] == 0:
        return varied
    ranks = stats.rankdata(varied, axis=0)
    scores = np.asarray(stats.norm.ppf(ranks / (len(features) + 1)))
    return np.asarray((scores - scores.mean(axis=0)) / scores.std(axis=0))


def _shuffled_within(
    synthetic: Flags, tests: list[npt.NDArray[np.int64]], shuffles: int, generator: np.random.Generator
) -> Floats:
    """Truth in the first column, shuffled truths in the others; every fold keeps its share of both arms."""
    truths = np.repeat(synthetic[:, None].astype(np.float64), shuffles + 1, axis=1)
    for test in tests:
        truths[test, 1:] = generator.permuted(truths[test, 1:], axis=0)
    return truths


def _aucs(scores: Floats, truths: Floats) -> Floats:
    """The AUC of each column of scores for its column of truth, ties as halves."""
    from scipy import stats

    positive = truths.sum(axis=0)
    negative = len(truths) - positive
    ranks = stats.rankdata(scores, axis=0)
    above = (ranks * truths).sum(axis=0) - positive * (positive + 1) / 2
    return np.asarray(above / (positive * negative))
