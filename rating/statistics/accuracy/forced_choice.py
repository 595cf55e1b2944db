"""Forced choice: how often the image looked for was found among two or four, against guessing.

Proportion correct with the exact interval (Clopper & Pearson 1934) and the exact binomial test against 1 in 2 or 1 in 4;
over raters and sets like these by the U-statistic. For pairs d′ = (z(H) - z(F)) / √2 and the leaning to one side
c = -(z(H) + z(F)) / 2, a hit being “left” where the image was left, a false alarm “left” where it was right (Macmillan &
Creelman 2005, ch. 7; log-linear correction, Hautus 1995; standard error of Gourevitch & Galanter 1967).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from rating.statistics.accuracy.detection import detection
from rating.statistics.arrays import Codes, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.paired import with_holm
from rating.statistics.mrmc.ustatistic import mean
from rating.statistics.proportions import clopper_pearson, exact_test
from rating.statistics.ratings_table import MISSING

FEWEST_EXPECTED = 5  # per place: with fewer, chi-square is no test


def choices(columns: StudyColumns, session: int) -> dict[str, Any]:
    """Where raters chose, and how often rightly where the truth is known."""
    size = len(columns.labels)
    wanted = columns.main(session)
    shown = np.asarray(columns.matrix(columns.shown, wanted, 0), dtype=np.int64)
    codes = columns.matrix(columns.label, wanted, MISSING)
    chosen = place_of(np.asarray(codes), shown, size)
    return {
        "size": size,
        "chance": 1 / size,
        "places": [
            {"rater": rater, "chosen": _counted(row, size), "p": _uneven(_counted(row, size))}
            for rater, row in zip(columns.raters, chosen, strict=True)
        ],
        "found": _found(columns, np.asarray(codes), chosen, shown) if columns.truth_is_known else None,
    }


def place_of(codes: Codes, shown: Ints, size: int) -> Codes:
    """The place (0 first) at which each letter stood, -1 where nothing was shown; shown: digits as in the columns."""
    places = np.full(codes.shape, MISSING, dtype=np.int8)
    for place in range(size):
        letter = shown // 10 ** (size - 1 - place) % 10 - 1
        places[(codes >= 0) & (letter == codes)] = place
    return places


def _found(columns: StudyColumns, codes: Codes, chosen: Codes, shown: Ints) -> dict[str, Any]:
    size = len(columns.labels)
    truth = np.array([columns.labels.index(letter) for letter in columns.truth], dtype=np.int8)
    seen = codes >= 0
    stood = place_of(np.where(seen, truth[None, :], MISSING).astype(np.int8), shown, size)
    right = seen & (codes == truth[None, :])
    raters: list[dict[str, Any]] = []
    for rater, mine, said, was in zip(columns.raters, right, chosen, stood, strict=True):
        n, x = int((said >= 0).sum()), int(mine.sum())
        row = {"rater": rater, "n": n, "right": x, "share": clopper_pearson(x, n)}
        raters.append({**row, "p": exact_test(x, n, 1 / size), **_d_prime(said, was, size)})
    return {
        "raters": with_holm(raters),
        "over_raters": mean(right.astype(np.float64), seen),
        "by_place": [
            {
                "place": place + 1,
                "stood": int((stood == place).sum()),
                "chosen": int((chosen == place).sum()),
                "right": int((right & (stood == place)).sum()),
            }
            for place in range(size)
        ],
    }


def _d_prime(said: Codes, was: Codes, size: int) -> dict[str, Estimate | None]:
    if size != 2:
        return {"d": None, "bias": None}
    left, right = was == 0, was == 1
    found = detection(
        int((left & (said == 0)).sum()), int(left.sum()), int((right & (said == 0)).sum()), int(right.sum())
    )
    if found.d.estimate is None:
        reason = "The image looked for never stood on one of the sides."
        return {"d": Estimate.undefined(reason), "bias": Estimate.undefined(reason)}
    return {"d": _scaled(found.d, 1 / np.sqrt(2)), "bias": found.criterion}


def _scaled(found: Estimate, by: float) -> Estimate:
    if found.estimate is None or found.se is None or found.ci is None:
        return found
    low, high = found.ci
    return Estimate(float(found.estimate * by), float(found.se * by), (float(low * by), float(high * by)))


def _counted(places: Codes, size: int) -> list[int]:
    return [int((places == place).sum()) for place in range(size)]


def _uneven(counts: list[int]) -> float | None:
    """The p of equal choice of all places: exact for two, chi-square for four; None where there is too little."""
    n = sum(counts)
    if len(counts) == 2:
        return exact_test(counts[0], n)
    return float(scipy.stats.chisquare(counts).pvalue) if n >= FEWEST_EXPECTED * len(counts) else None
