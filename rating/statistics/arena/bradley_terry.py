"""Which of several generators looks more real, from comparisons two by two: Bradley and Terry's model.

Bradley & Terry 1952; ties by Davidson 1970; existence by Ford 1957. The chance that i is chosen over j is
πi / (πi + πj), with ties πi / (πi + πj + ν √(πi πj)); log abilities are the log π, centred. Whoever chose is taken into
account by the sandwich over raters, because the choices of one rater are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.arrays import TINY, Floats, Ints
from rating.statistics.estimate import Estimate, t_interval
from rating.statistics.mrmc.paired import holm

MOST_STEPS = 100
SIGNIFICANT = 0.05
NOT_CONNECTED = (
    "Some of them were never chosen over, or never compared with, the others: their abilities do not exist."
)
ONE_RATER = "One rater: the spread among raters cannot be seen."


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Rows of choices: which rater, which two items, how often each was chosen and how often neither; shape (rows,)."""

    items: tuple[str, ...]
    rater: Ints
    first: Ints
    second: Ints
    first_chosen: Ints
    second_chosen: Ints
    tied: Ints

    @classmethod
    def of_tables(cls, items: Sequence[str], wins: Ints, ties: Ints | None = None) -> Comparisons:
        """Of tables items × items, wins[i, j] how often i was chosen over j; as if of one rater."""
        first, second = np.triu_indices(len(items), 1)
        tied = np.zeros(len(first), np.int64) if ties is None else np.asarray(ties)[first, second]
        rater = np.zeros(len(first), np.int64)
        return cls(tuple(items), rater, first, second, wins[first, second], wins[second, first], tied)


@dataclass(frozen=True, slots=True)
class Pair:
    """How much more able the first is than the second; p by Wald's test, also adjusted by Holm over all pairs."""

    first: str
    second: str
    difference: Estimate
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class Abilities:
    """Log abilities that sum to 0, for these choices as if independent and by rater; ranks 1 is the most able.

    ranks: from 1 + how many are significantly better to how many are not significantly worse (Holm at .05), by rater
    where there are several. reason: why there are none.
    """

    items: tuple[str, ...]
    pooled: tuple[Estimate, ...]
    by_rater: tuple[Estimate, ...]
    log_tie: Estimate | None
    pairs: tuple[Pair, ...]
    ranks: tuple[tuple[int, int], ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Parameters (log abilities with the first at 0, then log ν where there are ties), information, each row's scores.

    chance: of each outcome of a row (first, second, neither), rows × 3.
    """

    values: Floats
    information: Floats
    scores: Floats
    chance: Floats

    @property
    def covariance(self) -> Floats:
        """As if all choices were independent."""
        return np.asarray(np.linalg.inv(self.information), dtype=np.float64)

    def clustered(self, clusters: Ints) -> Floats:
        """The sandwich with rows of one cluster dependent (Liang & Zeger 1986), by C / (C - 1)."""
        sums = np.zeros((int(clusters.max()) + 1, self.scores.shape[1]))
        np.add.at(sums, clusters, self.scores)
        n = len(np.unique(clusters))
        inverse = self.covariance
        return np.asarray(inverse @ (sums.T @ sums) @ inverse * (n / (n - 1)))


def abilities(choices: Comparisons) -> Abilities:
    """The log ability of each item by maximum likelihood, or the reason why it does not exist."""
    if not exists(choices):
        undefined = tuple(Estimate.undefined(NOT_CONNECTED) for _ in choices.items)
        return Abilities(choices.items, undefined, undefined, None, (), (), NOT_CONNECTED)
    fit = fitted(choices)
    k = len(choices.items)
    naive = fit.covariance
    raters = len(np.unique(choices.rater))
    robust = fit.clustered(choices.rater) if raters > 1 else None
    pooled = centred(fit.values, naive, k, np.inf)
    by_rater = (
        tuple(Estimate(row.estimate, reason=ONE_RATER) for row in pooled)
        if robust is None
        else centred(fit.values, robust, k, raters - 1)
    )
    covariance, df = (naive, np.inf) if robust is None else (robust, raters - 1)
    pairs = pair_differences(choices.items, fit.values, covariance, df)
    log_tie = _estimate(fit.values[k - 1], naive[k - 1, k - 1], np.inf) if choices.tied.any() else None
    return Abilities(choices.items, pooled, by_rater, log_tie, pairs, ranks(choices.items, pairs))


def exists(choices: Comparisons) -> bool:
    """Whether everybody was chosen over everybody by some way round (Ford 1957); a tie counts for both."""
    k = len(choices.items)
    beaten = np.zeros((k, k))
    np.add.at(beaten, (choices.first, choices.second), choices.first_chosen + choices.tied)
    np.add.at(beaten, (choices.second, choices.first), choices.second_chosen + choices.tied)
    components, _ = scipy.sparse.csgraph.connected_components(beaten, directed=True, connection="strong")
    return bool(components == 1)


def fitted(choices: Comparisons) -> Fit:
    """Newton's method on the multinomial likelihood: a choice of one of three, linear in the parameters."""
    design, counts = _design(choices)
    values = np.zeros(design.shape[2])
    n = counts.sum(axis=1)
    for _ in range(MOST_STEPS):
        chance = scipy.special.softmax(design @ values + _impossible(counts, choices), axis=1)
        mean = np.einsum("ro,rop->rp", chance, design)
        scores = np.einsum("ro,rop->rp", counts - n[:, None] * chance, design)
        spread = np.einsum("r,ro,rop,roq->pq", n, chance, design, design)
        information = spread - np.einsum("r,rp,rq->pq", n, mean, mean)
        step = np.linalg.solve(information, scores.sum(axis=0))
        values = values + step
        if float(np.abs(step).max(initial=0.0)) < TINY:
            break
    return Fit(values, information, scores, chance)


def _design(choices: Comparisons) -> tuple[Floats, Floats]:
    """The parameters of each outcome (rows × 3 × parameters), and how often it happened (rows × 3)."""
    k, rows = len(choices.items), len(choices.first)
    has_ties = bool(choices.tied.any())
    design = np.zeros((rows, 3, k + has_ties))
    at = np.arange(rows)
    design[at, 0, choices.first] = 1
    design[at, 1, choices.second] = 1
    design[at, 2, choices.first] = design[at, 2, choices.second] = 0.5
    if has_ties:
        design[:, 2, k] = 1
    counts = np.stack([choices.first_chosen, choices.second_chosen, choices.tied], axis=1)
    return design[:, :, 1:], counts.astype(np.float64)


def _impossible(counts: Floats, choices: Comparisons) -> Floats:
    """Minus infinity for ties where nobody ever called one."""
    never = np.zeros_like(counts)
    if not choices.tied.any():
        never[:, 2] = -np.inf
    return never


def centred(values: Floats, covariance: Floats, k: int, df: float) -> tuple[Estimate, ...]:
    """Estimates of log abilities that sum to 0."""
    full, spread = _with_first(values, covariance, k)
    centring = np.eye(k) - 1 / k
    centred, variance = centring @ full, np.diag(centring @ spread @ centring.T)
    return tuple(_estimate(value, square, df) for value, square in zip(centred, variance, strict=True))


def _with_first(values: Floats, covariance: Floats, k: int) -> tuple[Floats, Floats]:
    """Log abilities and their covariance with the first item's 0 among them."""
    full, spread = np.zeros(k), np.zeros((k, k))
    full[1:], spread[1:, 1:] = values[: k - 1], covariance[: k - 1, : k - 1]
    return full, spread


def _estimate(value: float, variance: float, df: float) -> Estimate:
    se = float(np.sqrt(variance))
    return Estimate(float(value), se, t_interval(float(value), se, df, bounds=(-np.inf, np.inf)))


def pair_differences(
    items: tuple[str, ...], values: Floats, covariance: Floats, df: float
) -> tuple[Pair, ...]:
    full, spread = _with_first(values, covariance, len(items))
    first, second = np.triu_indices(len(items), 1)
    variance = spread[first, first] + spread[second, second] - 2 * spread[first, second]
    differences = [
        _estimate(full[i] - full[j], v, df) for i, j, v in zip(first, second, variance, strict=True)
    ]
    wald = np.array([abs(row.estimate or 0.0) / row.se if row.se else np.inf for row in differences])
    p = 2 * scipy.stats.t.sf(wald, df)
    return tuple(
        Pair(items[i], items[j], row, float(raw), adjusted)
        for i, j, row, raw, adjusted in zip(first, second, differences, p, holm(p), strict=True)
    )


def ranks(items: tuple[str, ...], pairs: tuple[Pair, ...]) -> tuple[tuple[int, int], ...]:
    better, worse = dict.fromkeys(items, 0), dict.fromkeys(items, 0)
    for pair in pairs:
        if pair.p_holm < SIGNIFICANT:
            ahead = (pair.difference.estimate or 0.0) > 0
            upper, lower = (pair.first, pair.second) if ahead else (pair.second, pair.first)
            better[lower] += 1
            worse[upper] += 1
    return tuple((1 + better[item], len(items) - worse[item]) for item in items)
