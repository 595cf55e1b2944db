"""Tests of raters: whether one tells fakes apart better than by chance, and whether raters differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import scipy

from rating.statistics.arrays import Codes, Flags, Floats
from rating.statistics.mrmc.paired import cochran_q, mcnemar, with_holm
from rating.statistics.proportions import exact_test
from rating.statistics.ratings_table import LABELS

MOST_RATERS_TESTED = 10
REAL, FAKE = LABELS.index("real"), LABELS.index("fake")


def against_chance(raters: Sequence[str], codes: Codes, fake: Flags) -> list[dict[str, Any]]:
    """Each rater's decided calls (never “unsure”, whatever it counts as) against guessing, p adjusted by Holm.

    p: the exact binomial test against one in two, which takes for granted that half of the images are fake; p_table:
    Fisher's exact test of call by truth, which holds for any share of fakes and any leaning of the rater.
    """
    rows: list[dict[str, Any]] = []
    for rater, row in zip(raters, codes, strict=True):
        table = [[int(((row == call) & kind).sum()) for call in (FAKE, REAL)] for kind in (fake, ~fake)]
        right, n = table[0][0] + table[1][1], sum(map(sum, table))
        both_kinds = all(sum(calls) for calls in table)
        p_table = float(scipy.stats.fisher_exact(np.array(table)).pvalue) if both_kinds else None
        rows.append({"rater": rater, "right": right, "n": n, "p": exact_test(right, n), "p_table": p_table})
    return with_holm(with_holm(rows), "p_table")


def raters_differ(raters: Sequence[str], right: Floats, counted: Flags) -> dict[str, Any]:
    """Cochran's Q over raters and McNemar for each pair, on images that all (both) rated; half right is not right."""
    there = np.asarray(counted.any(axis=1))
    values, is_counted = np.asarray(right[there] > 0.5), counted[there]
    names = [rater for rater, keep in zip(raters, there, strict=True) if keep]
    complete = np.asarray(is_counted.all(axis=0))
    q = cochran_q(values[:, complete].T) if len(names) > 1 and complete.any() else None
    pairs: list[dict[str, Any]] = []
    for a, b in combinations(range(len(names)), 2) if len(names) <= MOST_RATERS_TESTED else ():
        both = is_counted[a] & is_counted[b]
        x, y = values[a][both], values[b][both]
        cells = [[int((x & y).sum()), int((x & ~y).sum())], [int((~x & y).sum()), int((~x & ~y).sum())]]
        test = mcnemar(cells)
        pairs.append(
            {"raters": [names[a], names[b]], "n": int(both.sum()), "mcnemar": test, "p": test.p_exact}
        )
    return {"images": int(complete.sum()), "cochran_q": q, "pairs": with_holm(pairs)}
