"""Agreement of any number of raters from one matrix: how many gave each image each label.

Percent agreement, Fleiss' kappa, Krippendorff's alpha, Gwet's AC1/AC2 and Brennan-Prediger are all
(observed - chance) / (1 - chance) with the same observed agreement and their own chance. The standard errors are the
published linearised ones for a random sample of images and fixed raters ("these raters"): Gwet 2008 (Br J Math Stat
Psychol 61:29) for AC1, Gwet 2021 (Educ Psychol Meas 81:781) for Fleiss' kappa, the same derivation for the others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rating.statistics.agreement.weights import identity
from rating.statistics.arrays import TINY, Floats, Ints
from rating.statistics.estimate import Estimate, exact_bound, from_influence

NOTHING_TWICE = "No image was rated by two raters, so agreement cannot be measured."
ONE_LABEL = "All ratings have the same label, so agreement beyond chance is undefined."
ONCE = "Only one image was rated by two raters: no standard error can be given."
PERFECT = (
    "The raters agreed on every image, so no standard error can be given; the interval is the exact one of the "
    "percent agreement, with chance agreement held at its observed value."
)
NEVER = (
    "The raters agreed on no image, so no standard error can be given; the interval is the exact one of the "
    "percent agreement, with chance agreement held at its observed value."
)


@dataclass(frozen=True, slots=True)
class Items:
    """What all coefficients share: the images rated at all, and how much the raters of each agree.

    counts: (n, q) float; weights: (q, q); size: raters per image; agreeing: each image's weighted share of agreeing
    pairs (0 where fewer than two rated); paired: 1 where two or more rated.
    """

    counts: Floats
    weights: Floats
    size: Floats
    agreeing: Floats
    paired: Floats

    @classmethod
    def of(cls, counts: Ints | Floats, weights: Floats | None = None) -> "Items":
        """The items of a matrix images × labels; images without any rating are left out."""
        rows = counts.sum(axis=1) > 0
        c = np.asarray(counts, dtype=np.float64)[rows]
        w = identity(c.shape[1]) if weights is None else weights
        size = c.sum(axis=1)
        paired = (size >= 2).astype(np.float64)
        agreeing = paired * (c * (c @ w.T - 1)).sum(axis=1) / np.maximum(size * (size - 1), 1)
        return cls(c, w, size, agreeing, paired)

    @property
    def pairs(self) -> int:
        """How many images two or more raters rated."""
        return int(self.paired.sum())

    @property
    def observed(self) -> float:
        """The (weighted) percent agreement: the mean over images of the share of agreeing pairs of raters."""
        return float(self.agreeing.sum() / self.pairs)


@dataclass(frozen=True, slots=True)
class Chance:
    """Chance agreement by one definition, and each image's linearised part in it (mean: `value`)."""

    value: float
    by_item: Floats


def percent_agreement(items: Items, confidence: float = 0.95) -> Estimate:
    """The share of agreeing pairs of raters per image, averaged over images with two or more ratings."""
    no_chance = Chance(0.0, np.zeros(len(items.size)))
    return beyond_chance(items, no_chance, confidence, bounds=(0, 1))


def fleiss_kappa(items: Items, confidence: float = 0.95) -> Estimate:
    """Fleiss' kappa (Psychol Bull 1971), with missing ratings as in Gwet 2014; Scott's pi when two raters rate all."""
    share = items.counts / items.size[:, None]
    pi = share.mean(axis=0)
    near = (items.weights @ pi + items.weights.T @ pi) / 2
    pe = float(pi @ items.weights @ pi)
    return beyond_chance(items, Chance(pe, 2 * (share @ near) - pe), confidence)


def gwet_ac(items: Items, confidence: float = 0.95) -> Estimate:
    """Gwet's AC1 (AC2 with weights), Br J Math Stat Psychol 2008; depends on the number of declared labels."""
    q = items.counts.shape[1]
    share = items.counts / items.size[:, None]
    pi = share.mean(axis=0)
    scale = items.weights.sum() / (q * (q - 1))
    pe = float(scale * (pi * (1 - pi)).sum())
    return beyond_chance(items, Chance(pe, 2 * scale * (share @ (1 - pi)) - pe), confidence)


def brennan_prediger(items: Items, confidence: float = 0.95) -> Estimate:
    """Brennan & Prediger 1981: every declared label equally likely by chance; PABAK for two labels."""
    pe = float(items.weights.sum() / items.counts.shape[1] ** 2)
    return beyond_chance(items, Chance(pe, np.full(len(items.size), pe)), confidence)


def krippendorff_alpha(items: Items, confidence: float = 0.95) -> Estimate:
    """Krippendorff's alpha (2011) with agreement weights; identity weights give the nominal alpha.

    Images rated once are left out. Standard error: linearised over images without the small-sample term 1/(n·m);
    Student's t with (images rated at all - 1) degrees of freedom, as for the other coefficients.
    """
    if items.pairs == 0:
        return Estimate.undefined(NOTHING_TWICE)
    rows = items.paired > 0
    c, size = items.counts[rows], items.size[rows]
    total = size.sum()
    pi = c.sum(axis=0) / total
    pe = float(pi @ items.weights @ pi)
    if 1 - pe < TINY:
        return Estimate.undefined(ONE_LABEL)
    agreeing = items.agreeing[rows] * size
    plain = float(agreeing.sum() / total)
    alpha = float((plain + (1 - plain) / total - pe) / (1 - pe))
    near = (items.weights @ pi + items.weights.T @ pi) / 2
    of_observed = (agreeing - plain * size) / size.mean()
    of_chance = 2 * (c @ near - pe * size) / size.mean()
    influence = of_observed / (1 - pe) - (1 - plain) / (1 - pe) ** 2 * of_chance
    return _with_error(items, alpha, pe, influence, confidence=confidence, df=len(items.size) - 1)


def beyond_chance(
    items: Items, chance: Chance, confidence: float, bounds: tuple[float, float] = (-1, 1)
) -> Estimate:
    """(observed - chance) / (1 - chance) with Gwet's linearised standard error."""
    if items.pairs == 0:
        return Estimate.undefined(NOTHING_TWICE)
    pe = chance.value
    if 1 - pe < TINY:
        return Estimate.undefined(ONE_LABEL)
    value = (items.observed - pe) / (1 - pe)
    own = len(items.size) / items.pairs * (items.agreeing - pe * items.paired) / (1 - pe)
    influence = own - value - (1 - value) * (chance.by_item - pe) / (1 - pe)
    return _with_error(items, value, pe, influence, confidence=confidence, bounds=bounds)


def _with_error(
    items: Items,
    value: float,
    pe: float,
    influence: Floats,
    *,
    confidence: float,
    bounds: tuple[float, float] = (-1, 1),
    df: int | None = None,
) -> Estimate:
    """The estimate with its interval; where agreement is all or nothing, the exact bound instead."""
    if items.pairs == 1:
        return Estimate(value, reason=ONCE)
    if items.observed > 1 - TINY or items.observed < TINY:
        low, high = exact_bound(items.observed, items.pairs, confidence)
        edges = sorted(((low - pe) / (1 - pe), (high - pe) / (1 - pe)))
        perfect = items.observed > 0.5
        interval = float(max(edges[0], bounds[0])), float(min(edges[1], bounds[1]))
        return Estimate(value, ci=interval, reason=PERFECT if perfect else NEVER)
    return from_influence(value, influence, confidence=confidence, bounds=bounds, df=df)


COEFFICIENTS: dict[str, Callable[[Items, float], Estimate]] = {
    "percent_agreement": percent_agreement,
    "fleiss_kappa": fleiss_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac,
    "brennan_prediger": brennan_prediger,
}


def coefficients(
    counts: Ints | Floats, weights: Floats | None = None, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Every coefficient of a matrix images × declared labels, by name.

    >>> found = coefficients(np.array([[3, 0], [3, 0], [0, 3], [0, 3], [2, 1], [1, 2]]))
    >>> {name: round(value.estimate, 3) for name, value in found.items()}
    {'percent_agreement': 0.778, 'fleiss_kappa': 0.556, 'krippendorff_alpha': 0.58, 'gwet_ac1': 0.556, 'brennan_prediger': 0.556}
    """
    items = Items.of(counts, weights)
    if len(items.size) == 0:
        return dict.fromkeys(COEFFICIENTS, Estimate.undefined("There are no ratings."))
    return {name: coefficient(items, confidence) for name, coefficient in COEFFICIENTS.items()}
