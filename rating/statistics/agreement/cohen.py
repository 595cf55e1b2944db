"""Cohen's kappa of two raters from their table of labels, one pair or thousands at once.

Cohen 1960; standard errors of Fleiss, Cohen & Everitt 1969 (Psychol Bull 72:323), as SAS and statsmodels give them.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.agreement.coefficients import Items, fleiss_kappa
from rating.statistics.arrays import TINY, Flags, Floats, Numbers
from rating.statistics.estimate import Estimate, exact_bound, t_interval

NO_COMMON = "The two raters rated no image in common."
ONE_LABEL = "Both raters gave the same single label to all their common images, so kappa is undefined."
CONSTANT = (
    "One rater gave a single label only, so kappa is 0 whatever the other did and has no standard error."
)
PERFECT = (
    "The two raters agreed on every image, so no standard error can be given; the interval is an exact bound."
)


@dataclass(frozen=True, slots=True)
class Kappas:
    """Cohen's kappa of many pairs; `estimate` and `se` hold 0 where `defined` is false.

    n, observed, chance, estimate, se, defined: shape (pairs,); influence: (pairs, q, q), the linearised effect of one
    image in each cell (mean 0 over the pair's images), 0 for undefined pairs.
    """

    n: Floats
    observed: Floats
    chance: Floats
    estimate: Floats
    se: Floats
    defined: Flags
    influence: Floats


def kappas(tables: Numbers) -> Kappas:
    """Cohen's kappa of every table in `tables`, shape (pairs, q, q), rows the first rater of the pair."""
    counts = np.asarray(tables, dtype=np.float64)
    n = counts.sum(axis=(1, 2))
    p = counts / np.maximum(n, 1)[:, None, None]
    rows, columns = p.sum(axis=2), p.sum(axis=1)
    observed = np.trace(p, axis1=1, axis2=2)
    chance = (rows * columns).sum(axis=1)
    defined = (n > 0) & (1 - chance > TINY)
    rest = np.where(defined, 1 - chance, 1.0)
    estimate = np.where(defined, (observed - chance) / rest, 0.0)

    same = np.eye(counts.shape[1]) - observed[:, None, None]
    expected = columns[:, :, None] + rows[:, None, :] - 2 * chance[:, None, None]
    influence = same / rest[:, None, None] - ((1 - observed) / rest**2)[:, None, None] * expected
    influence[~defined] = 0.0
    variance = (p * influence**2).sum(axis=(1, 2)) / np.maximum(n, 1)
    return Kappas(n, observed, chance, estimate, np.sqrt(variance), defined, influence)


@dataclass(frozen=True, slots=True)
class Cohen:
    """One pair of raters: kappa, and its test against 0 (se0, z, two-sided p; None where undefined)."""

    n: int
    percent_agreement: float | None
    kappa: Estimate
    se0: float | None
    z: float | None
    p: float | None


def cohen(table: Numbers, confidence: float = 0.95, *, student: bool = False) -> Cohen:
    """Cohen's kappa of one q × q table with its interval and the test of kappa = 0.

    The interval is the normal one of SAS and statsmodels; `student` takes t with n - 1 df instead, as Gwet does.

    >>> result = cohen([[20, 5], [10, 15]])  # (0.7 - 0.5) / (1 - 0.5)
    >>> round(result.kappa.estimate, 12), result.percent_agreement
    (0.4, 0.7)
    """
    counts = np.asarray(table, dtype=np.float64)
    many = kappas(counts[None])
    n, kappa, pe = int(many.n[0]), float(many.estimate[0]), float(many.chance[0])
    observed = float(many.observed[0]) if n else None
    if not many.defined[0]:
        return Cohen(n, observed, Estimate.undefined(ONE_LABEL if n else NO_COMMON), None, None, None)
    rows, columns = counts.sum(axis=1) / n, counts.sum(axis=0) / n
    null_variance = pe + pe**2 - float((rows * columns * (rows + columns)).sum())
    se0 = float(np.sqrt(max(null_variance, 0.0) / n)) / (1 - pe)
    z = kappa / se0 if se0 > TINY else None
    p = None if z is None else float(2 * scipy.stats.norm.sf(abs(z)))
    return Cohen(
        n,
        observed,
        _with_error(many, confidence, n - 1 if student else np.inf),
        se0 if se0 > TINY else None,
        z,
        p,
    )


def scott_pi(table: Numbers, confidence: float = 0.95) -> Estimate:
    """Scott's pi (1955) of one q × q table: as Cohen's kappa, but both raters share one habit by chance.

    It is Fleiss' kappa of two raters who both rated every image; standard error and interval are that one's.
    """
    counts = np.asarray(table, dtype=np.int64)
    if not counts.sum():
        return Estimate.undefined(NO_COMMON)
    each = np.eye(len(counts), dtype=np.int64)
    by_cell = (each[:, None, :] + each[None, :, :]).reshape(-1, len(counts))
    return fleiss_kappa(Items.of(np.repeat(by_cell, counts.ravel(), axis=0)), confidence)


def _with_error(many: Kappas, confidence: float, df: float) -> Estimate:
    n, kappa, se, pe = int(many.n[0]), float(many.estimate[0]), float(many.se[0]), float(many.chance[0])
    if many.observed[0] > 1 - TINY:
        low = exact_bound(1.0, n, confidence)[0]
        return Estimate(kappa, ci=(max((low - pe) / (1 - pe), -1.0), 1.0), reason=PERFECT)
    if se < TINY:
        return Estimate(kappa, reason=CONSTANT if abs(kappa) < TINY else "No standard error can be given.")
    return Estimate(kappa, se, t_interval(kappa, se, df, confidence=confidence))
