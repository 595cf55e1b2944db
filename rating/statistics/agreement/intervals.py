"""Intervals of these raters that respect the boundary: goodness of fit for two raters, BCa for more, Wald for many images.

Wald intervals hold far too seldom where agreement or one label's share is high and images are few. The standard errors
stay those of the literature; the interval is another one, and `bench/coverage.py` measures how often each holds.
"""

from dataclasses import replace

import numpy as np

from rating.statistics.agreement.bootstrap import bca, coefficients_of_weights
from rating.statistics.agreement.coefficients import Items
from rating.statistics.agreement.goodness_of_fit import kappa_interval
from rating.statistics.agreement.pairs import cross_tables
from rating.statistics.arrays import Codes, Floats
from rating.statistics.estimate import Estimate
from rating.statistics.proportions import wilson_interval

MOST_IMAGES = 200  # with more, the Wald interval holds
MOST_OF_ALL = 0.7  # the share of one label
MOST_AGREED = 0.85
FEWEST_OF_THE_RARER = (
    12  # images' worth of all labels but the commonest: with 10 of 100 κ's interval held in 91 of 100
)
KAPPAS = ("light_kappa", "fleiss_kappa", "krippendorff_alpha")
HOLDS_TOO_SELDOM = (
    "Hardly any rating has another label than the commonest, so no interval of this coefficient holds in 95 of 100 studies; "
    "read it as too narrow."
)


def bounded(
    estimates: dict[str, Estimate], codes: Codes, q: int, confidence: float = 0.95
) -> dict[str, Estimate]:
    """The same estimates with intervals that respect the boundary, where they have a standard error at all."""
    counts: Floats = np.stack([(codes == k).sum(axis=0) for k in range(q)], axis=1).astype(np.float64)
    largest = float(counts.sum(axis=0).max(initial=0) / max(counts.sum(), 1))
    if len(codes) < 2 or codes.shape[1] > MOST_IMAGES or not _near_boundary(largest, estimates):
        return estimates
    intervals = _of_two(codes, q, confidence) if len(codes) == 2 else _of_more(counts, confidence)
    bounded_estimates = {
        name: value if value.se is None or name not in intervals else _with(value, intervals[name])
        for name, value in estimates.items()
    }
    if len(codes) == 2 or codes.shape[1] * (1 - largest) >= FEWEST_OF_THE_RARER:
        return bounded_estimates
    return {
        name: replace(value, reason=HOLDS_TOO_SELDOM) if name in KAPPAS and value.se else value
        for name, value in bounded_estimates.items()
    }


def _near_boundary(largest: float, estimates: dict[str, Estimate]) -> bool:
    """Whether one label has most of the ratings, or raters agree on most images: there the Wald interval fails."""
    agreed = estimates["percent_agreement"].estimate
    return agreed is not None and (largest >= MOST_OF_ALL or agreed >= MOST_AGREED)


def _with(value: Estimate, interval: tuple[float, float]) -> Estimate:
    if value.estimate is None:
        return value
    low, high = interval
    return replace(value, ci=(min(low, value.estimate), max(high, value.estimate)))


def _of_two(codes: Codes, q: int, confidence: float) -> dict[str, tuple[float, float]]:
    table = cross_tables(codes[:1], codes[1:], q)[0, :, 0, :]
    n = int(table.sum())
    kappa = kappa_interval(table, confidence)
    if not n or kappa is None:
        return {}
    agreed = wilson_interval(float(np.trace(table)), n, confidence)
    shares = (table.sum(axis=0) + table.sum(axis=1)) / (2 * n)
    by_chance = {
        "gwet_ac1": float((shares * (1 - shares)).sum() / (q - 1)),
        "brennan_prediger": 1 / q,
    }
    corrected = {
        name: ((agreed[0] - chance) / (1 - chance), (agreed[1] - chance) / (1 - chance))
        for name, chance in by_chance.items()
    }
    return {
        "percent_agreement": agreed,
        "cohen_kappa": kappa,
        "fleiss_kappa": kappa,
        "krippendorff_alpha": (_alpha(kappa[0], n), _alpha(kappa[1], n)),
        **corrected,
    }


def _alpha(kappa: float, images: int) -> float:
    """Krippendorff's alpha of two raters who rated all of these images, from Fleiss' kappa."""
    return kappa + (1 - kappa) / (2 * images)


def _of_more(counts: Floats, confidence: float) -> dict[str, tuple[float, float]]:
    items = Items.of(counts)
    if items.pairs < 2:
        return {}
    intervals = {
        name: bca(function, len(items.size), confidence).ci
        for name, function in coefficients_of_weights(items).items()
    }
    return {name: interval for name, interval in intervals.items() if interval}
