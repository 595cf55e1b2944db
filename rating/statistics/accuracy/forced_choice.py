"""Forced choice: how often the image looked for was found among two or four, against guessing.

Proportion correct with the exact interval (Clopper & Pearson 1934) and the exact binomial test against 1 in 2 or 1 in 4;
over raters and sets like these by the U-statistic. For pairs d′ = (z(H) - z(F)) / √2 and the leaning to one side
c = -(z(H) + z(F)) / 2, a hit being “left” where the image was left, a false alarm “left” where it was right (Macmillan &
Creelman 2005, ch. 7; log-linear correction, Hautus 1995; standard error of Gourevitch & Galanter 1967).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.accuracy.detection import detection
from rating.statistics.arrays import Codes, Flags, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.mrmc.paired import holm_adjusted
from rating.statistics.mrmc.ustatistic import mean
from rating.statistics.proportions import clopper_pearson, exact_test
from rating.statistics.ratings_table import MISSING

FEWEST_EXPECTED = 5  # per place: with fewer, chi-square is no test


@dataclass(frozen=True, slots=True)
class PlacesChosen:
    """How often a rater chose each place, and the p of choosing all alike."""

    rater: str
    chosen: tuple[int, ...]
    p: float | None


@dataclass(frozen=True, slots=True)
class RaterChoices:
    """In how many sets a rater was right, against guessing; d and bias of pairs only."""

    rater: str
    n: int
    right: int
    share: Estimate
    p: float | None
    p_holm: float | None
    d: Estimate | None
    bias: Estimate | None


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """How often the image looked for stood at a place (1 first), the place was chosen, and both."""

    place: int
    stood: int
    chosen: int
    right: int


@dataclass(frozen=True, slots=True)
class ChoiceAccuracy:
    """What depends on the truth: each rater, all raters, and each place."""

    raters: tuple[RaterChoices, ...]
    over_raters: RandomMean
    by_place: tuple[PlaceCounts, ...]


@dataclass(frozen=True, slots=True)
class ForcedChoice:
    """size: images per set; accuracy is None while the study is blinded."""

    size: int
    chance: float
    places: tuple[PlacesChosen, ...]
    accuracy: ChoiceAccuracy | None


def forced_choice(columns: StudyColumns, session: int) -> ForcedChoice:
    """Where raters chose, and how often rightly where the truth is known."""
    size = len(columns.labels)
    selection = columns.main(session)
    order = np.asarray(columns.matrix(columns.letter_order, selection, 0), dtype=np.int64)
    codes = np.asarray(columns.matrix(columns.label, selection, MISSING))
    places = place_of(codes, order, size)
    counts = [_counts(row, size) for row in places]
    return ForcedChoice(
        size,
        1 / size,
        tuple(PlacesChosen(rater, n, _uneven(n)) for rater, n in zip(columns.raters, counts, strict=True)),
        _accuracy(columns, codes, places, order) if columns.truth_is_known else None,
    )


def place_of(codes: Codes, order: Ints, size: int) -> Codes:
    """The place (0 first) at which each letter stood, -1 where there was nothing; order: digits as in the columns."""
    places = np.full(codes.shape, MISSING, dtype=np.int8)
    for place in range(size):
        letter = order // 10 ** (size - 1 - place) % 10 - 1
        places[(codes >= 0) & (letter == codes)] = place
    return places


def _accuracy(columns: StudyColumns, codes: Codes, chosen: Codes, order: Ints) -> ChoiceAccuracy:
    size = len(columns.labels)
    truth = np.array([columns.labels.index(letter) for letter in columns.truth], dtype=np.int8)
    rated = codes >= 0
    true_places = place_of(np.where(rated, truth[None, :], MISSING).astype(np.int8), order, size)
    right = rated & (codes == truth[None, :])
    by_place = tuple(
        PlaceCounts(
            place + 1,
            int((true_places == place).sum()),
            int((chosen == place).sum()),
            int((right & (true_places == place)).sum()),
        )
        for place in range(size)
    )
    raters = _raters(columns.raters, right, chosen, true_places, size)
    average = mean(right.astype(np.float64), rated, these_raters=True)
    return ChoiceAccuracy(raters, average, by_place)


def _raters(
    names: tuple[str, ...], right: Flags, chosen: Codes, true_places: Codes, size: int
) -> tuple[RaterChoices, ...]:
    numbers = [(int((row >= 0).sum()), int(hits.sum())) for row, hits in zip(chosen, right, strict=True)]
    tests = [exact_test(x, n, 1 / size) for n, x in numbers]
    rows = zip(names, numbers, tests, holm_adjusted(tests), chosen, true_places, strict=True)
    return tuple(
        RaterChoices(rater, n, x, clopper_pearson(x, n), p, p_holm, *_d_prime(places, truth, size))
        for rater, (n, x), p, p_holm, places, truth in rows
    )


def _d_prime(chosen: Codes, true_places: Codes, size: int) -> tuple[Estimate | None, Estimate | None]:
    """d′ and the leaning to the right; of pairs only."""
    if size != 2:
        return None, None
    on_left, on_right = true_places == 0, true_places == 1
    signals = detection(
        int((on_left & (chosen == 0)).sum()),
        int(on_left.sum()),
        int((on_right & (chosen == 0)).sum()),
        int(on_right.sum()),
    )
    if signals.d.estimate is None:
        undefined = Estimate.undefined("The image looked for never stood on one of the sides.")
        return undefined, undefined
    return _scaled(signals.d, 1 / np.sqrt(2)), signals.criterion


def _scaled(value: Estimate, by: float) -> Estimate:
    if value.estimate is None or value.se is None or value.ci is None:
        return value
    low, high = value.ci
    return Estimate(float(value.estimate * by), float(value.se * by), (float(low * by), float(high * by)))


def _counts(places: Codes, size: int) -> tuple[int, ...]:
    return tuple(int((places == place).sum()) for place in range(size))


def _uneven(counts: tuple[int, ...]) -> float | None:
    """The p of equal choice of all places: exact for two, chi-square for four; None where there is too little."""
    n = sum(counts)
    if len(counts) == 2:
        return exact_test(counts[0], n)
    return float(scipy.stats.chisquare(counts).pvalue) if n >= FEWEST_EXPECTED * len(counts) else None
