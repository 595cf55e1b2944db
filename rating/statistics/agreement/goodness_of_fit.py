"""The goodness-of-fit interval of the common-correlation kappa of two raters: it holds near the boundary, where Wald does not.

Donner & Eliasziw 1992 (Stat Med 11:1511) for two labels; for more the cells are the labels both gave, and disagreement
(Altaye, Donner & Klar 2001). With probability kappa both raters give the same label, else each decides alone; the shares
of the labels are held at their observed values. The coefficient is Fleiss' kappa (Scott's pi).
"""

from collections.abc import Callable

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Floats, Numbers

LOWEST = -1.0


def common_kappa(table: Numbers) -> float | None:
    """Fleiss' kappa of a q × q table of two raters; None where both used one label only."""
    observed, shares, n = _facts(table)
    chance = float((shares**2).sum())
    if n == 0 or 1 - chance < TINY:
        return None
    return (float(observed[:-1].sum()) / n - chance) / (1 - chance)


def kappa_interval(table: Numbers, confidence: float = 0.95) -> tuple[float, float] | None:
    """The kappas whose expected table the observed one does not contradict; None where kappa does not exist."""
    kappa = common_kappa(table)
    if kappa is None:
        return None
    observed, shares, n = _facts(table)
    lowest = max(LOWEST, float(np.max(-shares[shares > 0] / np.maximum(1 - shares[shares > 0], TINY))))
    best = scipy.optimize.minimize_scalar(
        lambda k: _distance(observed, _expected(k, shares, n)), bounds=(lowest, 1.0), method="bounded"
    )
    centre = kappa if _distance(observed, _expected(kappa, shares, n)) <= best.fun else float(best.x)
    limit = float(scipy.stats.chi2.ppf(confidence, 1)) + _distance(observed, _expected(centre, shares, n))

    def excess(k: float) -> float:
        return _distance(observed, _expected(k, shares, n)) - limit

    return _end(excess, lowest, centre), _end(excess, 1.0, centre)


def _end(excess: Callable[[float], float], edge: float, centre: float) -> float:
    """Where the distance reaches the limit on this side, else the edge itself."""
    inside = edge + (centre - edge) * 1e-12
    if abs(edge - centre) < TINY or excess(inside) <= 0:
        return float(edge)
    return float(scipy.optimize.brentq(excess, inside, centre, xtol=1e-12))


def _facts(table: Numbers) -> tuple[Floats, Floats, float]:
    """How often both gave each label, and not the same; the labels' shares; how many images."""
    counts = np.asarray(table, dtype=np.float64)
    n = float(counts.sum())
    agreed = np.diag(counts)
    shares = (counts.sum(axis=0) + counts.sum(axis=1)) / (2 * max(n, 1))
    return np.append(agreed, n - agreed.sum()), shares, n


def _expected(kappa: float, shares: Floats, n: float) -> Floats:
    agreed = kappa * shares + (1 - kappa) * shares**2
    return np.asarray(n * np.append(agreed, 1 - agreed.sum()), dtype=np.float64)


def _distance(observed: Floats, expected: Floats) -> float:
    cells = (expected > TINY) | (observed > 0)
    gap = (observed[cells] - expected[cells]) ** 2
    return float((gap / np.maximum(expected[cells], TINY)).sum())
