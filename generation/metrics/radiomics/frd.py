"""Fréchet radiomic distance (Konz, Osuala et al. 2026), by the arithmetic of frd-score 1.0.1, version v1 of its definition.

Rows are images: the features that pyradiomics gives in frd-score's set-up. No network's weights take part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.metrics.distances import CONFIDENCE, RESAMPLES, Distance, TooFewError, frechet

VERSION = "1.0.1"
PROGRAM = f"frd-score {VERSION}"
NAME = f"FRD ({PROGRAM} definition)"
NOTE = "log of the squared Fréchet distance of radiomic features, as z-scores of the real images’."
SAME = "Nothing parts the two sets by these features: FRD has no lower end."

Rows = NDArray[np.floating[Any]]


class SameFeaturesError(ValueError):
    """The distance is 0, and its logarithm none."""


def frd(real: Rows, fake: Rows, *, resamples: int = RESAMPLES, seed: int = 0) -> Distance:
    """log(d²) with a bootstrap interval over images, placed at the estimate. Raises TooFewError and SameFeaturesError.

    Images with a feature that is no number are left out, as frd-score leaves them out.
    """
    real, fake = _measured(real), _measured(fake)
    if min(len(real), len(fake)) < 2:
        raise TooFewError("A distance needs at least two images on each side.")
    value, dice = _log_distance(real, fake), np.random.default_rng(seed)
    if value is None:
        raise SameFeaturesError(SAME)
    n, m = len(real), len(fake)
    drawn = [
        _log_distance(real[dice.integers(n, size=n)], fake[dice.integers(m, size=m)])
        for _ in range(resamples)
    ]
    logs = np.array([log for log in drawn if log is not None])
    interval = None
    if len(logs):
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(logs - logs.mean(), [tail, 1 - tail])
        interval = (value + float(low), value + float(high))
    return Distance(value, interval, n, m, NOTE)


def _measured(rows: Rows) -> NDArray[np.float32]:
    """As frd-score rounds them, before it takes z-scores."""
    return rows[~np.isnan(rows).any(axis=1)].astype(np.float32)


def _log_distance(real: NDArray[np.float32], fake: NDArray[np.float32]) -> float | None:
    """Of the features that both sets have as numbers once they are z-scores of the real ones'; None for no distance."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean, spread = real.mean(axis=0), real.std(axis=0)
        scores = [(rows - mean) / spread for rows in (real, fake)]
    usable = np.isfinite(scores[0]).all(axis=0) & np.isfinite(scores[1]).all(axis=0)
    if not usable.any():
        return None
    value = frechet(*(rows[:, usable].astype(np.float64) for rows in scores))
    return float(np.log(value)) if value > 0 else None
