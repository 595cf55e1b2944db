"""Conger's kappa: agreement beyond what these raters' own habits give by chance.

Conger 1980 (Psychol Bull 88:322), with missing ratings and standard error as in Gwet 2014. Cohen's kappa, unweighted
or weighted, is the case of two raters.
"""

import numpy as np

from rating.statistics.agreement.coefficients import Chance, Items, beyond_chance
from rating.statistics.agreement.pairs import one_hot
from rating.statistics.arrays import Codes, Floats
from rating.statistics.estimate import Estimate


def conger_kappa(codes: Codes, q: int, weights: Floats | None = None, confidence: float = 0.95) -> Estimate:
    """Conger's kappa of codes (raters × images, -1 missing) over `q` labels."""
    rated = codes >= 0
    raters, images = rated.any(axis=1), rated.any(axis=0)
    part = codes[raters][:, images]
    if part.size == 0:
        return Estimate.undefined("There are no ratings.")
    if len(part) == 1:
        return Estimate.undefined("Only one rater rated, and agreement needs two.")
    hot = one_hot(part, q).reshape(len(part), q, -1).astype(np.float64)
    items = Items.of(hot.sum(axis=0).T, weights)
    return beyond_chance(items, _chance(hot, items.weights), confidence)


def _chance(hot: Floats, weights: Floats) -> Chance:
    """The mean over pairs of raters of the chance that their habits agree; hot: raters × labels × images."""
    raters, _, images = hot.shape
    rated = hot.sum(axis=(1, 2))
    habit = hot.sum(axis=2) / rated[:, None]
    both = weights + weights.T
    pairs = raters * (raters - 1)
    total = habit.sum(axis=0)
    value = float((total @ weights @ total - np.einsum("gk,kl,gl->", habit, weights, habit)) / pairs)
    slope = (total - habit) @ both / pairs
    change = hot - habit[:, :, None] * hot.sum(axis=1)[:, None, :]
    by_item = images * np.einsum("gki,gk,g->i", change, slope, 1 / rated)
    return Chance(value, value + by_item)
