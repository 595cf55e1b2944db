"""The largest difference between two arms over many features at once, and how large it is by luck.

Each feature goes by its ranks over the images, so that no outlier leads; the difference of the arms' mean ranks
is standardized. The truth is shuffled a thousand times, the same shuffles for all features, and the largest
difference of each shuffle is what luck does: one test however many features there are, and however they go together
(Westfall and Young 1993, the single-step maximum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

SHUFFLES = 1000
COLUMNS = 2048  # features at a time: memory stays below 20 MB whatever the number of images
OFTEN = 99  # percentile of the largest differences by luck that a difference must pass to count


@dataclass(frozen=True, slots=True)
class LargestDifference:
    """`z` is each feature's difference, above 0 where the generated images have more of it."""

    z: Singles
    auc: Singles
    luck: float
    p: float

    @property
    def at(self) -> int:
        """The feature that differs most."""
        return int(np.abs(self.z).argmax())

    @property
    def best_auc(self) -> float:
        return 0.5 + abs(float(self.auc[self.at]) - 0.5)


def largest_difference(
    features: npt.NDArray[np.floating], synthetic: Flags, *, seed: int, shuffles: int = SHUFFLES
) -> LargestDifference:
    """Of features (images × features). Raises ValueError where an arm is empty."""
    n, generated = len(synthetic), int(synthetic.sum())
    if not 0 < generated < n:
        raise ValueError("Both arms need images.")
    generator = np.random.default_rng(seed)
    truths = np.repeat(synthetic[None, :], shuffles + 1, axis=0)
    truths[1:] = generator.permuted(truths[1:], axis=1)
    weights = np.where(truths, 1 / generated, -1 / (n - generated)).astype(np.float32)
    scale = np.float32(np.sqrt(generated * (n - generated) * (n - 1)) / n)
    z, auc = np.zeros(features.shape[1], np.float32), np.full(features.shape[1], 0.5, np.float32)
    largest = np.zeros(shuffles + 1, np.float32)
    for first in range(0, features.shape[1], COLUMNS):
        part = slice(first, first + COLUMNS)
        ranks, deviation = _standard_ranks(features[:, part])
        differences = weights @ ranks
        z[part] = differences[0] * scale
        auc[part] = 0.5 + differences[0] * deviation / n
        np.maximum(largest, np.abs(differences).max(axis=1) * scale, out=largest)
    p = (1 + int((largest[1:] >= largest[0] * (1 - 1e-6)).sum())) / (1 + shuffles)
    return LargestDifference(z, auc, float(np.percentile(largest[1:], OFTEN)), p)


def _standard_ranks(values: npt.NDArray[np.floating]) -> tuple[Singles, Singles]:
    """Ranks of each column, ties in the middle, with mean 0 and deviation 1, and the deviation; constants give 0."""
    from scipy.stats import rankdata  # here, so that the web process never loads it

    ranks: Singles = np.asarray(rankdata(np.asarray(values, np.float32), axis=0), np.float32)
    ranks -= ranks.mean(axis=0)
    deviation: Singles = ranks.std(axis=0)
    ranks /= np.where(deviation > 0, deviation, np.float32(1))
    return ranks, deviation
