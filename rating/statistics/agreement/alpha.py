"""Krippendorff's alpha with its metrics: nominal, ordinal, interval, ratio.

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

    >>> value = alpha(np.array([[2, 0, 0], [0, 2, 0], [0, 1, 1]]), "interval")  # 1 - (2 / 6) / (34 / 30)
    >>> round(value.estimate, 12) == round(12 / 17, 12)
    True
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
    return _jackknifed(float(value), _alpha(total[None] - by_item, METRICS[metric], worth), confidence)


def interval_alpha(values: Floats, confidence: float = 0.95) -> Estimate:
    """Alpha with the interval metric of numbers, raters × images, nan where there is none.

    The same as `alpha(…, "interval", values)`, from sums: numbers may be as many different ones as there are ratings.
    """
    present = ~np.isnan(values)
    paired = present.sum(axis=0) >= 2
    x, size = np.where(present, values, 0.0)[:, paired], present[:, paired].sum(axis=0).astype(np.float64)
    if not paired.any():
        return Estimate.undefined(NOTHING_TWICE)
    x = np.where(present[:, paired], x - x.sum() / size.sum(), 0.0)  # near zero, so that no digits are lost
    sums, squares = x.sum(axis=0), (x**2).sum(axis=0)
    within = 2 * (size * squares - sums**2) / (size - 1)
    parts = np.stack([size, sums, squares, within])
    value = _alpha_of_sums(parts.sum(axis=1, keepdims=True))[0]
    if np.isnan(value):
        return Estimate.undefined(ONE_LABEL)
    if paired.sum() == 1:
        return Estimate(float(value), reason=ONCE)
    if value > 1 - TINY:
        return Estimate(float(value), reason=PERFECT.split(";")[0] + ".")
    return _jackknifed(float(value), _alpha_of_sums(parts.sum(axis=1, keepdims=True) - parts), confidence)


def _alpha_of_sums(parts: Floats) -> Floats:
    """Alpha from how many numbers there are, their sum, their squares' sum and what differs within images; (4, k)."""
    n, sums, squares, within = parts
    expected = 2 * (n * squares - sums**2) / np.maximum(n - 1, 1)
    defined = expected > TINY
    return np.where(defined, 1 - within / np.where(defined, expected, 1.0), np.nan)


def _jackknifed(value: float, without: Floats, confidence: float) -> Estimate:
    """With the standard error that the values without each image give."""
    if np.isnan(without).any():
        return Estimate(value, reason="All disagreement is on one image, so no standard error can be given.")
    n = len(without)
    se = float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))
    return Estimate(value, se, t_interval(value, se, n - 1, confidence=confidence))


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
