"""Time per case, which is right-skewed: medians and quartiles, never a mean alone."""

from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.arrays import Numbers


@dataclass(frozen=True, slots=True)
class Quartiles:
    """How many, the median, the quartiles, and the median's 95 % interval; None where there is nothing."""

    n: int
    median: float | None
    q1: float | None
    q3: float | None
    ci: tuple[float, float] | None = None


def quartiles(values: Numbers) -> Quartiles:
    """Median and quartiles of some times (any unit), by linear interpolation."""
    x = np.asarray(values, dtype=np.float64)
    if not x.size:
        return Quartiles(0, None, None, None)
    q1, median, q3 = np.percentile(x, (25, 50, 75))
    interval = median_interval(x)
    return Quartiles(int(x.size), float(median), float(q1), float(q3), interval.ci if interval else None)


@dataclass(frozen=True, slots=True)
class MedianInterval:
    """Two order statistics that hold the median, and how surely they do (at least as surely as asked)."""

    ci: tuple[float, float]
    level: float


def median_interval(values: Numbers, confidence: float = 0.95) -> MedianInterval | None:
    """The binomial interval of the median by order statistics; None with too few values."""
    x = np.sort(np.asarray(values, dtype=np.float64))
    n = len(x)
    if n < 2:
        return None
    rank = int(scipy.stats.binom.ppf((1 - confidence) / 2, n, 0.5))  # values below the lower end
    level = 1 - 2 * float(scipy.stats.binom.cdf(rank - 1, n, 0.5))
    if rank < 1 or level < confidence:
        return None
    return MedianInterval((float(x[rank - 1]), float(x[n - rank])), level)


def blocks(positions: Numbers, parts: int = 4) -> list[str]:
    """Which part of the sitting (1 … parts) each position, counted from 1, falls in."""
    place = np.asarray(positions, dtype=np.float64)
    last = place.max() if place.size else 1.0
    return [str(1 + int(part)) for part in np.minimum((place - 1) * parts // last, parts - 1)]
