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
    in_session = columns.main(session)
    letters = np.asarray(columns.matrix(columns.letters, in_session, 0), dtype=np.int64)
    codes = columns.matrix(columns.label, in_session, MISSING)
    chosen = place_of(np.asarray(codes), letters, size)
    return {
        "size": size,
        "chance": 1 / size,
        "places": [
            {"rater": rater, "chosen": _counted(row, size), "p": _uneven(_counted(row, size))}
            for rater, row in zip(columns.raters, chosen, strict=True)
        ],
        "found": _correct_choices(columns, np.asarray(codes), chosen, letters)
        if columns.truth_is_known
        else None,
    }


def place_of(codes: Codes, letters: Ints, size: int) -> Codes:
    """The place (0 first) at which each letter stood, -1 where nothing was shown; letters: digits as in the columns."""
    places = np.full(codes.shape, MISSING, dtype=np.int8)
    for place in range(size):
        letter = letters // 10 ** (size - 1 - place) % 10 - 1
        places[(codes >= 0) & (letter == codes)] = place
    return places


def _correct_choices(columns: StudyColumns, codes: Codes, chosen: Codes, letters: Ints) -> dict[str, Any]:
    size = len(columns.labels)
    truth = np.array([columns.labels.index(letter) for letter in columns.truth], dtype=np.int8)
    is_rated = codes >= 0
    true_place = place_of(np.where(is_rated, truth[None, :], MISSING).astype(np.int8), letters, size)
    right = is_rated & (codes == truth[None, :])
    raters: list[dict[str, Any]] = []
    for rater, is_right, places, true_places in zip(columns.raters, right, chosen, true_place, strict=True):
        n, x = int((places >= 0).sum()), int(is_right.sum())
        row = {"rater": rater, "n": n, "right": x, "share": clopper_pearson(x, n)}
        raters.append({**row, "p": exact_test(x, n, 1 / size), **_d_prime(places, true_places, size)})
    return {
        "raters": with_holm(raters),
        "over_raters": mean(right.astype(np.float64), is_rated),
        "by_place": [
            {
                "place": place + 1,
                "stood": int((true_place == place).sum()),
                "chosen": int((chosen == place).sum()),
                "right": int((right & (true_place == place)).sum()),
            }
            for place in range(size)
        ],
    }


def _d_prime(places: Codes, true_places: Codes, size: int) -> dict[str, Estimate | None]:
    if size != 2:
        return {"d": None, "bias": None}
    is_left, is_right = true_places == 0, true_places == 1
    signal = detection(
        int((is_left & (places == 0)).sum()),
        int(is_left.sum()),
        int((is_right & (places == 0)).sum()),
        int(is_right.sum()),
    )
    if signal.d.estimate is None:
        reason = "The image looked for never stood on one of the sides."
        return {"d": Estimate.undefined(reason), "bias": Estimate.undefined(reason)}
    return {"d": _scaled(signal.d, 1 / np.sqrt(2)), "bias": signal.criterion}


def _scaled(estimate: Estimate, by: float) -> Estimate:
    if estimate.estimate is None or estimate.se is None or estimate.ci is None:
        return estimate
    low, high = estimate.ci
    return Estimate(
        float(estimate.estimate * by), float(estimate.se * by), (float(low * by), float(high * by))
    )


def _counted(places: Codes, size: int) -> list[int]:
    return [int((places == place).sum()) for place in range(size)]


def _uneven(counts: list[int]) -> float | None:
    """The p of equal choice of all places: exact for two, chi-square for four; None where there is too little."""
    n = sum(counts)
    if len(counts) == 2:
        return exact_test(counts[0], n)
    return float(scipy.stats.chisquare(counts).pvalue) if n >= FEWEST_EXPECTED * len(counts) else None
