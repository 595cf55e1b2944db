"""Krippendorff's alpha with his own metrics: nominal, ordinal, interval, ratio.

Krippendorff K, Computing Krippendorff's Alpha-Reliability, 2011. His ordinal metric depends on how often each label
was used; Gwet's ordinal weights (`weights.ordinal`) do not, so "ordinal alpha" has two values: this is Krippendorff's.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rating.statistics.agreement.coefficients import NOTHING_TWICE, ONCE, ONE_LABEL, PERFECT
from rating.statistics.arrays import TINY, Floats, Ints
from rating.statistics.estimate import Estimate, t_interval

Metric = Callable[[Floats, Floats], Floats]


def nominal(values: Floats, margins: Floats) -> Floats:
    """0 for the same label, 1 for different ones."""
    q = len(values)
    return np.broadcast_to(1 - np.eye(q), (*margins.shape, q)).copy()


def ordinal(values: Floats, margins: Floats) -> Floats:
    """Squared number of ratings between the two labels, each end counted half; margins may be (…, q)."""
    q = len(values)
    below = np.cumsum(margins, axis=-1) - margins / 2
    between = below[..., :, None] - below[..., None, :]
    return np.asarray(between**2, dtype=np.float64).reshape(*margins.shape, q)


def interval(values: Floats, margins: Floats) -> Floats:
    """(c - k)²."""
    distance = (values[:, None] - values[None, :]) ** 2
    return np.broadcast_to(distance, (*margins.shape, len(values))).copy()


def ratio(values: Floats, margins: Floats) -> Floats:
    """((c - k) / (c + k))²; the values must be positive."""
    share = (values[:, None] - values[None, :]) / (values[:, None] + values[None, :])
    return np.broadcast_to(share**2, (*margins.shape, len(values))).copy()


METRICS: dict[str, Metric] = {"nominal": nominal, "ordinal": ordinal, "interval": interval, "ratio": ratio}


def alpha(
    counts: Ints | Floats,
    metric: str = "nominal",
    values: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Krippendorff's alpha of a matrix images × labels, with the standard error of the jackknife over images.

    values: what each label is worth (interval and ratio metrics), 1, 2, … unless given. Raises ValueError for a ratio
    metric over values that are not positive.
    """
    c = np.asarray(counts, dtype=np.float64)
    c = c[c.sum(axis=1) >= 2]
    worth = (
        np.arange(1, c.shape[1] + 1, dtype=np.float64)
        if values is None
        else np.asarray(values, dtype=np.float64)
    )
    if metric == "ratio" and worth.min() <= 0:
        raise ValueError("The ratio metric needs labels with positive values.")
    if len(c) == 0:
        return Estimate.undefined(NOTHING_TWICE)
    size = c.sum(axis=1)
    same = np.eye(c.shape[1])
    by_item = (c[:, :, None] * c[:, None, :] - c[:, :, None] * same) / (size - 1)[:, None, None]
    total = by_item.sum(axis=0)
    value = _alpha(total[None], METRICS[metric], worth)[0]
    if np.isnan(value):
        return Estimate.undefined(ONE_LABEL)
    if len(c) == 1:
        return Estimate(float(value), reason=ONCE)
    if value > 1 - TINY:
        return Estimate(float(value), reason=PERFECT.split(";")[0] + ".")
    without = _alpha(total[None] - by_item, METRICS[metric], worth)
    if np.isnan(without).any():
        return Estimate(
            float(value), reason="All disagreement is on one image, so no standard error can be given."
        )
    n = len(c)
    se = float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))
    return Estimate(float(value), se, t_interval(float(value), se, n - 1, confidence=confidence))


def _alpha(coincidences: Floats, metric: Metric, values: Floats) -> Floats:
    """1 - observed / expected disagreement of each table of coincidences, (k, q, q); NaN where nothing differs."""
    margins = coincidences.sum(axis=-1)
    n = margins.sum(axis=-1)
    distance = metric(values, margins)
    observed = (coincidences * distance).sum(axis=(-2, -1))
    expected = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(-2, -1)) / np.maximum(
        n - 1, 1
    )
    defined = expected > TINY
    return np.where(defined, 1 - observed / np.where(defined, expected, 1.0), np.nan)
