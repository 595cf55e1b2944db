"""Whether two raters use the labels equally often, and how prevalence and bias bend kappa.

Stuart 1955 and Maxwell 1970; Bhapkar 1966; Bowker 1948. Labels on which nobody disagrees are left out, and only pairs of
labels that were mixed up at all count in Bowker's degrees of freedom. Byrt, Bishop & Carlin 1993 for the two indices.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.agreement.pairs import Pairs
from rating.statistics.arrays import TINY, Numbers
from rating.statistics.mrmc.paired import holm_adjusted

MOST_RATERS_COMPARED = 10
NO_DISAGREEMENT = "The two raters disagreed on no image, so there is nothing to test."


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Tests of equal use of the labels (Stuart-Maxwell, Bhapkar) and of symmetry (Bowker); None with a reason."""

    stuart_maxwell: float | None
    df: int | None
    stuart_maxwell_p: float | None
    bhapkar: float | None
    bhapkar_p: float | None
    bowker: float | None
    bowker_df: int | None
    bowker_p: float | None
    reason: str | None = None


def homogeneity(table: Numbers) -> Homogeneity:
    """The three tests of a q × q table of two raters."""
    counts = np.asarray(table, dtype=np.float64)
    off = counts - np.diag(np.diag(counts))
    mixed = np.flatnonzero(off.sum(axis=0) + off.sum(axis=1))
    if not len(mixed):
        return Homogeneity(None, None, None, None, None, None, None, None, NO_DISAGREEMENT)
    n, cells = counts.sum(), off[np.ix_(mixed, mixed)]
    d = (cells.sum(axis=1) - cells.sum(axis=0))[:-1]
    covariance = np.diag(cells.sum(axis=1) + cells.sum(axis=0)) - cells - cells.T
    statistic = float(d @ np.linalg.pinv(covariance[:-1, :-1]) @ d)
    df = int(np.linalg.matrix_rank(covariance[:-1, :-1]))
    bhapkar = statistic / (1 - statistic / n) if statistic < n - TINY else None
    bowker, bowker_df = _bowker(cells)
    return Homogeneity(
        statistic,
        df,
        _p(statistic, df),
        bhapkar,
        None if bhapkar is None else _p(bhapkar, df),
        bowker,
        bowker_df,
        _p(bowker, bowker_df),
    )


def _bowker(off: Numbers) -> tuple[float, int]:
    x = np.asarray(off, dtype=np.float64)
    a, b = np.triu_indices(len(x), k=1)
    total = x[a, b] + x[b, a]
    cells = total > 0
    gap = (x[a, b] - x[b, a])[cells] ** 2
    return float((gap / total[cells]).sum()), int(cells.sum())


def _p(statistic: float, df: int) -> float:
    return float(scipy.stats.chi2.sf(statistic, df))


@dataclass(frozen=True, slots=True)
class Indices:
    """Of a 2 × 2 table: prevalence (a - d) / n, bias (b - c) / n; kappa = (PABAK - PI² + BI²) / (1 - PI² + BI²)."""

    prevalence: float
    bias: float


@dataclass(frozen=True, slots=True)
class PairHabits:
    """Whether two raters use the labels alike, and of two labels how prevalence and bias bend kappa."""

    raters: tuple[str, str]
    n: int
    tests: Homogeneity
    p_holm: float | None
    indices: Indices | None


def pair_habits(names: tuple[str, ...], pairs: Pairs) -> tuple[PairHabits, ...]:
    """The tests of each pair of raters, few enough to read; p of Stuart and Maxwell adjusted by Holm."""
    if len(names) > MOST_RATERS_COMPARED:
        return ()
    tests = [homogeneity(table) for table in pairs.tables]
    adjusted = holm_adjusted([test.stuart_maxwell_p for test in tests])
    return tuple(
        PairHabits((names[a], names[b]), int(table.sum()), test, p_holm, _of_two_labels(table))
        for a, b, table, test, p_holm in zip(
            pairs.first, pairs.second, pairs.tables, tests, adjusted, strict=True
        )
    )


def _of_two_labels(table: Numbers) -> Indices | None:
    """The indices where the two raters used exactly two labels between them."""
    counts = np.asarray(table, dtype=np.float64)
    cells = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    return prevalence_and_bias(counts[np.ix_(cells, cells)]) if len(cells) == 2 else None


def prevalence_and_bias(table: Numbers) -> Indices | None:
    """The two indices of a 2 × 2 table; None where nothing was counted."""
    (a, b), (c, d) = np.asarray(table, dtype=np.float64)
    n = a + b + c + d
    return Indices(float((a - d) / n), float((b - c) / n)) if n else None
