"""All numbers of an arena."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.statistics.arena.answers import FIRST, SECOND, TIED, Answers
from rating.statistics.arena.bradley_terry import fitted
from rating.statistics.arena.checks import (
    RatersDiffer,
    ScaleFit,
    SidesChosen,
    left_share,
    raters_differ,
    scale_fit,
    sides_chosen,
)
from rating.statistics.arena.strengths import Contest, Difference, Strengths, strengths
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean


@dataclass(frozen=True, slots=True)
class RaterShares:
    """How often a rater chose each generator's image, ties half, out of the answers it stood in; None without any."""

    rater: str
    shares: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What depends on which generator made which image; fit and differ are None where there are no strengths."""

    strengths: Strengths
    by_rater: tuple[RaterShares, ...]
    fit: ScaleFit | None
    differ: RatersDiffer | None

    def contest(self, first: str, second: str) -> Contest | None:
        """The contest of these two, in this order."""
        for row in self.strengths.contests:
            if (row.first, row.second) == (first, second):
                return row
            if (row.first, row.second) == (second, first):
                return Contest(
                    first,
                    second,
                    row.second_chosen,
                    row.first_chosen,
                    row.tied,
                    _turned(row.these_raters),
                    _turned(row.raters_like_these),
                )
        return None


@dataclass(frozen=True, slots=True)
class ArenaResults:
    """standing is None while the study is blinded."""

    answers: int
    pairs: int
    ties: int
    sides: tuple[SidesChosen, ...]
    left: RandomMean
    standing: Standing | None


def arena_results(answers: Answers) -> ArenaResults:
    """The numbers of these answers; of generators only where they are told."""
    return ArenaResults(
        len(answers),
        len(set(answers.pair.tolist())),
        int((answers.chosen == TIED).sum()),
        sides_chosen(answers),
        left_share(answers),
        _standing(answers) if answers.generators else None,
    )


def _standing(answers: Answers) -> Standing:
    numbers = strengths(answers)
    if numbers.reason:
        return Standing(numbers, _shares(answers), None, None)
    fit = fitted(answers.comparisons)
    return Standing(numbers, _shares(answers), scale_fit(answers, fit), raters_differ(answers, fit))


def _shares(answers: Answers) -> tuple[RaterShares, ...]:
    size = len(answers.raters), len(answers.generators)
    worth, counts = np.zeros(size), np.zeros(size)
    for letter, generator in ((FIRST, answers.first), (SECOND, answers.second)):
        points = np.where(answers.chosen == TIED, 0.5, answers.chosen == letter)
        np.add.at(worth, (answers.rater, generator), points)
        np.add.at(counts, (answers.rater, generator), 1)
    return tuple(
        RaterShares(rater, tuple(float(w / n) if n else None for w, n in zip(*rows, strict=True)))
        for rater, *rows in zip(answers.raters, worth, counts, strict=True)
    )


def _turned(row: Difference) -> Difference:
    """The second against the first."""
    log_odds = row.log_odds
    if log_odds.estimate is None:
        return row
    ci = log_odds.ci and (-log_odds.ci[1], -log_odds.ci[0])
    return Difference(
        Estimate(-log_odds.estimate, log_odds.se, ci, log_odds.reason),
        row.share.complement,
        row.df,
        row.p,
        row.p_holm,
    )
