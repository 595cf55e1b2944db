"""The bootstrap by patient: how often each test image counts when patients, not images, are drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
LEVEL = 0.95


@dataclass(frozen=True)
class SeededEstimate:
    """A number with its interval, and its spread over training seeds; or the sentence why one is missing."""

    estimate: float | None
    ci: tuple[float, float] | None = None
    sd_of_seeds: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Resampling:
    """Counts (resamples + 1, images), the first row all ones; and which seeds each resample drew (resamples, seeds)."""

    counts: Floats
    seeds: Numbers
    patients: int
    reason: str | None = None  # why no interval can be given

    @classmethod
    def of(
        cls, truth: Numbers, patients: Sequence[str], *, seeds: int, resamples: int, seed: int
    ) -> Resampling:
        """Patients drawn with replacement within each class, so that no resample loses one; training seeds as well.

        A patient with images of several classes belongs to the class of most of them.
        """
        generator = np.random.default_rng([seed, 3])
        _, code = np.unique(np.asarray(patients), return_inverse=True)
        number = int(code.max()) + 1
        votes = np.zeros((number, int(truth.max()) + 1), dtype=np.int64)
        np.add.at(votes, (code, truth), 1)
        stratum = votes.argmax(axis=1)
        draws = np.zeros((resamples, number))
        fewest = number
        for kind in np.unique(stratum):
            members = np.flatnonzero(stratum == kind)
            fewest = min(fewest, len(members))
            even = np.full(len(members), 1 / len(members))
            draws[:, members] = generator.multinomial(len(members), even, size=resamples)
        reason = None if fewest > 1 else "One class has a single test patient: no interval can be given."
        counts = np.concatenate([np.ones((1, len(truth))), draws[:, code]])
        return cls(counts, generator.integers(0, seeds, (resamples, seeds)), number, reason)

    def estimate(self, values: Floats, *, bounds: tuple[float, float] | None = (0.0, 1.0)) -> SeededEstimate:
        """The mean over seeds of values (seeds, resamples + 1), with the percentile interval of its resamples."""
        middle = float(values[:, 0].mean())
        if not np.isfinite(middle):
            return SeededEstimate(
                None, reason="A class that was never predicted or never there leaves it undefined."
            )
        sd = float(values[:, 0].std(ddof=1)) if len(values) > 1 else None
        if self.reason:
            return SeededEstimate(middle, None, sd, self.reason)
        again = np.take_along_axis(values[:, 1:].T, self.seeds, axis=1).mean(axis=1)
        low, high = np.nanquantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        if high - low < 1e-12:
            return self._without_spread(middle, sd, bounds)
        return SeededEstimate(middle, (float(low), float(high)), sd)

    def _without_spread(
        self, middle: float, sd: float | None, bounds: tuple[float, float] | None
    ) -> SeededEstimate:
        """All resamples agree: at a bound the exact one for so many patients holds, elsewhere nothing is known."""
        slack = 1 - ((1 - LEVEL) / 2) ** (1 / self.patients)
        if bounds and middle >= bounds[1] - 1e-12:
            return SeededEstimate(middle, (bounds[1] - slack, bounds[1]), sd)
        if bounds and middle <= bounds[0] + 1e-12:
            return SeededEstimate(middle, (bounds[0], bounds[0] + slack), sd)
        return SeededEstimate(
            middle, None, sd, "All resamples give the same value, so no interval can be given."
        )
