"""Tests of raters: whether one tells fakes apart better than by chance, and whether raters differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy

from rating.statistics.arrays import Codes, Flags, Floats, Ints
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.paired import CochranQ, McNemar, cochran_q, holm_adjusted, mcnemar
from rating.statistics.proportions import exact_test, paired_difference
from rating.statistics.ratings_table import LABELS

MOST_RATERS_TESTED = 10
REAL, FAKE = LABELS.index("real"), LABELS.index("fake")


@dataclass(frozen=True, slots=True)
class ChanceTest:
    """One rater's decided calls against guessing.

    p: the exact binomial test against one in two, which takes for granted that half of the images are fake; p_table:
    Fisher's exact test of call by truth, which holds for any share of fakes and any leaning of the rater.
    """

    rater: str
    right: int
    n: int
    p: float | None
    p_holm: float | None
    p_table: float | None
    p_table_holm: float | None


@dataclass(frozen=True, slots=True)
class PairTest:
    """McNemar's test of two raters on the n images that both rated, and how much oftener the first is right."""

    raters: tuple[str, str]
    n: int
    mcnemar: McNemar
    p: float | None
    p_holm: float | None
    difference: Estimate


@dataclass(frozen=True, slots=True)
class RaterDifferences:
    """Cochran's Q over the images that all raters rated, and McNemar's test of each pair."""

    images: int
    cochran_q: CochranQ | None
    pairs: tuple[PairTest, ...]


def against_chance(raters: Sequence[str], codes: Codes, fake: Flags) -> tuple[ChanceTest, ...]:
    """Each rater's decided calls (never “unsure”, whatever it counts as) against guessing, p adjusted by Holm."""
    tables = [
        [[int(((row == call) & kind).sum()) for call in (FAKE, REAL)] for kind in (fake, ~fake)]
        for row in codes
    ]
    right = [table[0][0] + table[1][1] for table in tables]
    n = [sum(map(sum, table)) for table in tables]
    tests = [exact_test(x, total) for x, total in zip(right, n, strict=True)]
    of_table = [_fisher(table) for table in tables]
    columns = (raters, right, n, tests, holm_adjusted(tests), of_table, holm_adjusted(of_table))
    return tuple(ChanceTest(*row) for row in zip(*columns, strict=True))


def _fisher(table: list[list[int]]) -> float | None:
    """Fisher's exact p of call by truth; None where a rater decided on one kind of image only."""
    return float(scipy.stats.fisher_exact(np.array(table)).pvalue) if all(map(sum, table)) else None


def raters_differ(raters: Sequence[str], right: Floats, counted: Flags) -> RaterDifferences:
    """Cochran's Q over raters and McNemar for each pair, on images that all (both) rated; half right is not right."""
    there = np.asarray(counted.any(axis=1))
    values, rated = np.asarray(right[there] > 0.5), counted[there]
    names = [rater for rater, keep in zip(raters, there, strict=True) if keep]
    complete = np.asarray(rated.all(axis=0))
    q = cochran_q(values[:, complete].T) if len(names) > 1 and complete.any() else None
    pairs = list(combinations(range(len(names)), 2)) if len(names) <= MOST_RATERS_TESTED else []
    both = [rated[a] & rated[b] for a, b in pairs]
    tables = [_table(values[a][on], values[b][on]) for (a, b), on in zip(pairs, both, strict=True)]
    tests = [mcnemar(table) for table in tables]
    adjusted = holm_adjusted([test.p_exact for test in tests])
    rows = tuple(
        PairTest((names[a], names[b]), int(on.sum()), test, test.p_exact, p_holm, paired_difference(table))
        for (a, b), on, table, test, p_holm in zip(pairs, both, tables, tests, adjusted, strict=True)
    )
    return RaterDifferences(int(complete.sum()), q, rows)


def _table(x: Flags, y: Flags) -> Ints:
    return np.array([[(x & y).sum(), (x & ~y).sum()], [(~x & y).sum(), (~x & ~y).sum()]], dtype=np.int64)
