"""How real the images of each generator look beside those of the others, by Bradley and Terry's model with ties.

For these raters pairs of images are the sample: the sandwich over pairs (Liang & Zeger 1986), Student's t. For raters
like these raters are sampled too: to it is added what raters share beyond single answers, V(raters) - V(answers), without
its negative part (two-way clustering, Cameron, Gelbach & Miller 2011); degrees of freedom by Satterthwaite, at least
those of the raters. Ranks come from the differences by Holm: no rank is left out that the data do not refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from rating.statistics.arena.answers import FIRST, SECOND, TIED, Answers
from rating.statistics.arena.bradley_terry import (
    NOT_CONNECTED,
    ONE_RATER,
    Fit,
    Pair,
    exists,
    fitted,
    ranks,
)
from rating.statistics.arrays import TINY, Floats
from rating.statistics.estimate import Estimate, t_interval
from rating.statistics.mrmc.paired import holm

ONE_PAIR = "One pair of images: no standard error can be given."
NO_SPREAD = "All answers are as the model has them, so no standard error can be given."


@dataclass(frozen=True, slots=True)
class Strength:
    """A generator's answers, its log ability (all of them sum to 0) and its ranks from … to, 1 the most real.

    ranks are None where there is no interval.
    """

    generator: str
    answers: int
    chosen: int
    beaten: int
    tied: int
    these_raters: Estimate
    raters_like_these: Estimate
    ranks_these: tuple[int, int] | None
    ranks_like: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Log odds that the first is chosen over the second where one is; p of none by Wald's t test, also by Holm.

    share: the same as a probability. df: of the t distribution.
    """

    log_odds: Estimate
    share: Estimate
    df: float | None
    p: float | None
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class Contest:
    """Two generators: how often each was chosen over the other, and by how much the model has the first ahead."""

    first: str
    second: str
    first_chosen: int
    second_chosen: int
    tied: int
    these_raters: Difference
    raters_like_these: Difference


@dataclass(frozen=True, slots=True)
class Strengths:
    """log_tie: Davidson's log ν, as if answers were independent; None without ties. reason: why there are no numbers."""

    strengths: tuple[Strength, ...]
    contests: tuple[Contest, ...]
    log_tie: Estimate | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Covariances of all log abilities: over pairs, over raters alone, and of both; those of raters None where one read."""

    pairs: Floats
    raters: Floats | None
    both: Floats | None
    n_pairs: int
    n_raters: int

    def these_raters(self, value: float, contrast: Floats) -> tuple[Estimate, float | None]:
        """A contrast of abilities with its degrees of freedom."""
        if self.n_pairs < 2:
            return Estimate(value, reason=ONE_PAIR), None
        return _estimate(value, _variance(self.pairs, contrast), self.n_pairs - 1)

    def raters_like_these(self, value: float, contrast: Floats) -> tuple[Estimate, float | None]:
        if self.raters is None or self.both is None or self.n_pairs < 2:
            return Estimate(value, reason=ONE_RATER if self.raters is None else ONE_PAIR), None
        total, of_pairs, of_raters = (
            _variance(matrix, contrast) for matrix in (self.both, self.pairs, self.raters)
        )
        below = of_pairs**2 / (self.n_pairs - 1) + of_raters**2 / (self.n_raters - 1)
        df = max(total**2 / below, self.n_raters - 1.0) if below > 0 else self.n_raters - 1.0
        estimate, used = _estimate(value, total, df)
        return estimate.of_raters(self.n_raters), used


def strengths(answers: Answers) -> Strengths:
    """The strengths of all generators, or the reason why there are none beside how often each was chosen."""
    choices = answers.comparisons
    if not len(answers) or not exists(choices):
        return _undefined(answers)
    fit = fitted(choices)
    k = len(answers.generators)
    abilities = np.concatenate([[0.0], fit.values[: k - 1]])
    spread = spread_of(fit, answers)
    centring = np.eye(k) - 1 / k
    rows = [(float(contrast @ abilities), contrast) for contrast in centring]
    contests = _contests(answers, abilities, spread)
    by_these, by_like = (_ranks(answers.generators, contests, name) for name in ("these", "like"))
    strengths = tuple(
        replace(
            row,
            these_raters=spread.these_raters(*of)[0],
            raters_like_these=spread.raters_like_these(*of)[0],
            ranks_these=by_these[place] if by_these else None,
            ranks_like=by_like[place] if by_like else None,
        )
        for place, (row, of) in enumerate(zip(_counts(answers), rows, strict=True))
    )
    log_tie = None
    if choices.tied.any():
        log_tie = _estimate(float(fit.values[k - 1]), float(fit.covariance[k - 1, k - 1]), np.inf)[0]
    return Strengths(strengths, contests, log_tie)


def spread_of(fit: Fit, answers: Answers) -> Spread:
    """The covariances of the log abilities, the first generator's 0 among them."""
    k = len(answers.generators)
    pairs, raters = len(np.unique(answers.pair)), len(np.unique(answers.rater))
    of_pairs = _abilities(fit.clustered(answers.pair) if pairs > 1 else fit.covariance, k)
    if raters < 2:
        return Spread(of_pairs, None, None, pairs, raters)
    of_raters = _abilities(fit.clustered(answers.rater), k)
    of_answers = _abilities(fit.clustered(np.arange(len(answers))), k)
    return Spread(of_pairs, of_raters, of_pairs + _positive(of_raters - of_answers), pairs, raters)


def _undefined(answers: Answers) -> Strengths:
    none = Difference(Estimate.undefined(NOT_CONNECTED), Estimate.undefined(NOT_CONNECTED), None, None, None)
    contests = tuple(Contest(*words, *numbers, none, none) for words, numbers in _met(answers))
    return Strengths(tuple(_counts(answers)), contests, None, NOT_CONNECTED)


def _counts(answers: Answers) -> list[Strength]:
    """How often each was chosen; the rest is to come."""
    rows = []
    for place, name in enumerate(answers.generators):
        as_first, as_second = answers.first == place, answers.second == place
        chosen = (as_first & (answers.chosen == FIRST)) | (as_second & (answers.chosen == SECOND))
        tied = (as_first | as_second) & (answers.chosen == TIED)
        n = int((as_first | as_second).sum())
        won, even = int(chosen.sum()), int(tied.sum())
        none = Estimate.undefined(NOT_CONNECTED)
        rows.append(Strength(name, n, won, n - won - even, even, none, none, None, None))
    return rows


def _met(answers: Answers) -> list[tuple[tuple[str, str], tuple[int, int, int]]]:
    """Of each two generators: their names, and how often the first, the second and neither was chosen."""
    rows = []
    for i, j in zip(*np.triu_indices(len(answers.generators), 1), strict=True):
        forward = (answers.first == i) & (answers.second == j)
        backward = (answers.first == j) & (answers.second == i)
        numbers = [
            int((forward & (answers.chosen == outcome)).sum() + (backward & (answers.chosen == other)).sum())
            for outcome, other in ((FIRST, SECOND), (SECOND, FIRST), (TIED, TIED))
        ]
        names = answers.generators[i], answers.generators[j]
        rows.append((names, (numbers[0], numbers[1], numbers[2])))
    return rows


def _contests(answers: Answers, abilities: Floats, spread: Spread) -> tuple[Contest, ...]:
    k = len(answers.generators)
    these, like = [], []
    for i, j in zip(*np.triu_indices(k, 1), strict=True):
        contrast = np.eye(k)[i] - np.eye(k)[j]
        value = float(abilities[i] - abilities[j])
        these.append(spread.these_raters(value, contrast))
        like.append(spread.raters_like_these(value, contrast))
    rows = zip(_met(answers), _differences(these), _differences(like), strict=True)
    return tuple(Contest(*names, *numbers, *differences) for (names, numbers), *differences in rows)


def _differences(rows: list[tuple[Estimate, float | None]]) -> list[Difference]:
    """With their p values, adjusted for how many there are."""
    p_values = [
        None
        if row.se is None or df is None or row.estimate is None
        else float(2 * scipy.stats.t.sf(abs(row.estimate) / row.se, df))
        for row, df in rows
    ]
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [
        Difference(row, as_share(row), df, p, None if p is None else next(adjusted))
        for (row, df), p in zip(rows, p_values, strict=True)
    ]


def as_share(log_odds: Estimate) -> Estimate:
    """Log odds as the share of answers, other than ties, in which the first is chosen."""
    if log_odds.estimate is None:
        return log_odds
    share = float(scipy.special.expit(log_odds.estimate))
    ci = log_odds.ci and (
        float(scipy.special.expit(log_odds.ci[0])),
        float(scipy.special.expit(log_odds.ci[1])),
    )
    return Estimate(
        share, None if log_odds.se is None else log_odds.se * share * (1 - share), ci, log_odds.reason
    )


def _ranks(
    items: tuple[str, ...], contests: tuple[Contest, ...], whose: str
) -> tuple[tuple[int, int], ...] | None:
    sides = [(row, row.these_raters if whose == "these" else row.raters_like_these) for row in contests]
    rows = [
        Pair(row.first, row.second, side.log_odds, side.p, side.p_holm)
        for row, side in sides
        if side.p is not None and side.p_holm is not None
    ]
    return ranks(items, tuple(rows)) if len(rows) == len(contests) else None


def _estimate(value: float, variance: float, df: float) -> tuple[Estimate, float | None]:
    se = float(np.sqrt(max(variance, 0.0)))
    if se < TINY:
        return Estimate(value, reason=NO_SPREAD), None
    return Estimate(value, se, t_interval(value, se, df, bounds=(-np.inf, np.inf))), df


def _abilities(covariance: Floats, k: int) -> Floats:
    full: Floats = np.zeros((k, k))
    full[1:, 1:] = covariance[: k - 1, : k - 1]
    return full


def _variance(matrix: Floats, contrast: Floats) -> float:
    return float(contrast @ matrix @ contrast)


def _positive(matrix: Floats) -> Floats:
    """The part of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    part: Any = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return np.asarray(part, dtype=np.float64)
