"""Whether one scale fits an arena at all: the model's fit, circles, raters who differ, and a leaning to one side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy

from rating.statistics.arena.answers import FIRST, SECOND, TIED, Answers
from rating.statistics.arena.bradley_terry import Fit
from rating.statistics.arrays import Floats, Ints
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.mrmc.paired import holm_adjusted
from rating.statistics.mrmc.ustatistic import mean
from rating.statistics.proportions import exact_test

SHUFFLES = 999
TWO_GENERATORS = "Of two generators any answers fit one scale, so there is nothing to test."
NONE_READ_TWICE = "No pair was read by two raters, so raters cannot be compared."


@dataclass(frozen=True, slots=True)
class ScaleFit:
    """Likelihood ratio of every two generators' own shares against one scale, as if answers were independent.

    circles: of how many triples of generators, each two of them decided, the first beats the second, that the third, and
    that the first.
    """

    g2: float | None
    df: int
    p: float | None
    circles: int
    triples: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RatersDiffer:
    """How far raters' own answers are from the scale of all, and how often so far when answers are dealt anew.

    The sum over raters of the score statistic; p by permutation of the answers among the raters of each pair, exact where
    raters do not differ.
    """

    statistic: float | None
    p: float | None
    shuffles: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SidesChosen:
    """How often a rater chose the left image, the right one and neither; p of choosing both sides alike, also by Holm."""

    rater: str
    left: int
    right: int
    tied: int
    p: float | None
    p_holm: float | None


def scale_fit(answers: Answers, fit: Fit) -> ScaleFit:
    """Whether one number a generator says all of how it stands to each other one."""
    k = len(answers.generators)
    observed, expected = np.zeros((k, k, 3)), np.zeros((k, k, 3))
    outcomes = np.stack([answers.chosen == outcome for outcome in (FIRST, SECOND, TIED)], axis=1)
    _add(observed, answers, outcomes.astype(np.float64))
    _add(expected, answers, fit.chance)
    circles, triples = _circles(observed)
    pairs = int((observed.sum(axis=2) > 0).sum())
    kinds = 2 if outcomes[:, TIED].any() else 1
    df = pairs * kinds - len(fit.values)
    if df < 1:
        return ScaleFit(
            None, 0, None, circles, triples, TWO_GENERATORS if k == 2 else "Too few pairs of generators met."
        )
    g2 = float(
        2
        * scipy.special.xlogy(
            observed, np.divide(observed, expected, where=expected > 0, out=np.ones_like(observed))
        ).sum()
    )
    return ScaleFit(g2, df, float(scipy.stats.chi2.sf(g2, df)), circles, triples)


def _add(table: Floats, answers: Answers, outcomes: Floats) -> None:
    """Outcomes of each two generators, the one with the lower number first."""
    turned = answers.first > answers.second
    low, high = np.minimum(answers.first, answers.second), np.maximum(answers.first, answers.second)
    np.add.at(table, (low, high), np.where(turned[:, None], outcomes[:, [SECOND, FIRST, TIED]], outcomes))


def _circles(observed: Floats) -> tuple[int, int]:
    ahead = observed[:, :, FIRST] - observed[:, :, SECOND]
    ahead = ahead - ahead.T
    circles = triples = 0
    for i, j, k in combinations(range(len(ahead)), 3):
        signs = np.sign([ahead[i, j], ahead[j, k], ahead[k, i]])
        triples += bool(signs.all())
        circles += bool(signs.all() and abs(signs.sum()) == 3)
    return circles, triples


def raters_differ(answers: Answers, fit: Fit, seed: int = 0) -> RatersDiffer:
    """Whether some raters rank the generators otherwise than others."""
    if len(np.unique(answers.pair)) == len(answers):
        return RatersDiffer(None, None, 0, NONE_READ_TWICE)
    inverse = fit.covariance
    statistic = _score_statistic(fit.scores, answers.rater, inverse)
    # Within a pair the chances are the same for all raters, so a row's score goes to whoever the answer goes to.
    in_order = np.argsort(answers.pair, kind="stable")
    generator = np.random.default_rng(seed)
    as_large = 0
    for _ in range(SHUFFLES):
        dealt = np.lexsort((generator.random(len(answers)), answers.pair))
        as_large += _score_statistic(fit.scores[dealt], answers.rater[in_order], inverse) >= statistic - 1e-9
    return RatersDiffer(statistic, (1 + as_large) / (1 + SHUFFLES), SHUFFLES)


def _score_statistic(scores: Floats, rater: Ints, inverse: Floats) -> float:
    sums = np.stack([np.bincount(rater, weights=column) for column in scores.T], axis=1)
    return float(np.einsum("rp,pq,rq->", sums, inverse, sums))


def sides_chosen(answers: Answers) -> tuple[SidesChosen, ...]:
    """By rater; the origin of an image has no part in it."""
    counts = np.zeros((len(answers.raters), 3), dtype=np.int64)
    np.add.at(counts, (answers.rater, answers.side), 1)
    tests = [exact_test(int(left), int(left + right)) for left, right, _ in counts]
    return tuple(
        SidesChosen(rater, int(left), int(right), int(tied), p, p_holm)
        for rater, (left, right, tied), p, p_holm in zip(
            answers.raters, counts, tests, holm_adjusted(tests), strict=True
        )
    )


def left_share(answers: Answers) -> RandomMean:
    """The share of answers, other than ties, for the left image, over raters and pairs like these."""
    shape = len(answers.raters), int(answers.pair.max(initial=-1)) + 1
    left, decided = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    at = answers.rater, answers.pair
    left[at], decided[at] = answers.side == 0, answers.side < TIED
    return mean(left, decided, these_raters=True)
