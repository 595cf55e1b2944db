"""How well each rater agrees with their own earlier answers: images shown a second time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.agreement.cohen import Cohen, cohen
from rating.statistics.arrays import TINY, Codes, Floats
from rating.statistics.estimate import Estimate, t_interval
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.proportions import wilson

NO_KAPPA = "Everybody gave one label only, before and after: no kappa."
NO_JACKKNIFE = "Without one of the images there is no kappa, so it has no standard error."
NOT_ALL_KAPPAS = "A rater has no kappa with a standard error, so the kappas cannot be weighted."


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """One rater's repeats: how many, the share given the same label (Wilson), and Cohen's kappa of first and second."""

    rater: str
    n: int
    same: Estimate
    kappa: Cohen


def intra_rater(raters: Sequence[str], first: Codes, again: Codes, q: int) -> list[SelfAgreement]:
    """Each rater's agreement of the first with the repeated rating; codes raters × images, -1 where not shown twice."""
    rows = []
    for rater, before, after in zip(raters, first, again, strict=True):
        both = (before >= 0) & (after >= 0)
        table = np.zeros((q, q))
        np.add.at(table, (before[both], after[both]), 1)
        n = int(both.sum())
        rows.append(SelfAgreement(rater, n, wilson(int(np.trace(table)), n), cohen(table)))
    return rows


@dataclass(frozen=True, slots=True)
class PooledSelfAgreement:
    """All raters' repeats together, the images sampled with everybody's readings of them.

    same: the share given the same label; kappa: by the mean observed and the mean expected agreement (De Vries et al.
    2008), standard error by leaving out one image at a time; weighted: the raters' own kappas weighted by their
    precision, with the chi-square test that they are equal (Fleiss 1981, ch. 13).
    """

    same: RandomMean
    kappa: Estimate
    weighted: Estimate
    chi2: float | None
    df: int
    p: float | None


def pooled_self_agreement(first: Codes, again: Codes, q: int) -> PooledSelfAgreement:
    """Over all raters with repeats; codes raters × images, -1 missing.

    A rater's repeats are of one person: counted as if independent their interval would be too narrow.
    """
    both = (first >= 0) & (again >= 0)
    same = (first == again) & both
    share = ustatistic.mean(same.astype(float), both, these_raters=True)
    cells = np.zeros((*first.shape, q, q))  # one reading each: raters × images × before × after
    rows, columns = np.nonzero(both)
    cells[rows, columns, first[both], again[both]] = 1
    tables = cells.sum(axis=1)
    return PooledSelfAgreement(share, _pooled_kappa(cells, tables), *_weighted(tables))


def _pooled_kappa(cells: Floats, tables: Floats) -> Estimate:
    value = _kappa_of_means(tables)
    if value is None:
        return Estimate.undefined(NO_KAPPA)
    (images,) = np.nonzero(cells.sum(axis=(0, 2, 3)))
    without = [_kappa_of_means(tables - cells[:, image]) for image in images]
    if len(images) < 2 or None in without:
        return Estimate(value, reason=NO_JACKKNIFE)
    values = np.array(without, dtype=np.float64)
    n = len(images)
    se = float(np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum()))
    return Estimate(value, se, t_interval(value, se, n - 1))


def _kappa_of_means(tables: Floats) -> float | None:
    """(mean observed - mean expected) / (1 - mean expected) over the raters with any repeat."""
    n = tables.sum(axis=(1, 2))
    shares = tables[n > 0] / n[n > 0][:, None, None]
    if not len(shares):
        return None
    observed = np.trace(shares, axis1=1, axis2=2).mean()
    expected = (shares.sum(axis=2) * shares.sum(axis=1)).sum(axis=1).mean()
    return None if expected > 1 - TINY else float((observed - expected) / (1 - expected))


def _weighted(tables: Floats) -> tuple[Estimate, float | None, int, float | None]:
    kappas = [cohen(table).kappa for table in tables if table.any()]
    estimates = [(kappa.estimate, kappa.se) for kappa in kappas if kappa.estimate is not None and kappa.se]
    if len(estimates) < len(kappas) or not estimates:
        return Estimate.undefined(NOT_ALL_KAPPAS), None, 0, None
    value, se = np.array(estimates, dtype=np.float64).T
    weight = se**-2.0
    mean = float(weight @ value / weight.sum())
    se_of_mean = float(weight.sum() ** -0.5)
    chi2, df = float(weight @ (value - mean) ** 2), len(value) - 1
    interval = t_interval(mean, se_of_mean, np.inf)
    return (
        Estimate(mean, se_of_mean, interval),
        chi2,
        df,
        float(scipy.stats.chi2.sf(chi2, df)) if df else None,
    )
