"""Pairs of an arena: who meets whom, balanced over every two competitors, by a seed. No Django."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from rating.statistics.arrays import Floats, Ints

STEPS = 200  # of proportional fitting; what is not exact by then is rounded anyway


class ImpossiblePairsError(ValueError):
    """These images do not make pairs of different competitors; the message is a sentence that says why."""


def why_not_pairs(counts: Sequence[int]) -> str:
    """Why so many images of each competitor do not make pairs; empty where they do."""
    if sum(counts) % 2:
        return "their number is odd"
    if counts and 2 * max(counts) > sum(counts):
        return "one generator has more of them than all others together"
    return ""


def pairs_of(
    competitors: Sequence[str], kinds: Sequence[Hashable], generator: np.random.Generator
) -> list[tuple[int, int]]:
    """Each image in one pair with one of another competitor, both of one kind; places in pairs.

    Every two competitors meet as often as their numbers let them, give or take what is left of a division, over all
    kinds together. Raises ImpossiblePairsError.
    """
    names = sorted(set(competitors))
    number = {name: place for place, name in enumerate(names)}
    lead: Floats = np.zeros((len(names), len(names)))  # meetings so far beyond their share
    pairs: list[tuple[int, int]] = []
    for kind in sorted(set(kinds), key=str):
        images: list[list[int]] = [[] for _ in names]
        for place in generator.permutation(len(competitors)).tolist():
            if kinds[place] == kind:
                images[number[competitors[place]]].append(place)
        counts = [len(places) for places in images]
        if why := why_not_pairs(counts):
            raise ImpossiblePairsError(f"{sum(counts)} images of {kind} do not make pairs: {why}.")
        share = _shares(counts)
        meetings = _rounded(share, counts, lead, generator)
        lead += meetings - share
        pairs += [
            (images[i].pop(), images[j].pop())
            for i, j in zip(*np.triu_indices(len(names), 1), strict=True)
            for _ in range(int(meetings[i, j]))
        ]
    return pairs


def _shares(counts: Sequence[int]) -> Floats:
    """How often every two meet in proportion: a symmetric table without a diagonal that sums to the counts."""
    targets = np.asarray(counts, dtype=np.float64)
    table: Floats = 1.0 - np.eye(len(counts))
    for _ in range(STEPS):
        sums = table.sum(axis=1)
        scale = np.sqrt(np.divide(targets, sums, out=np.zeros_like(targets), where=sums > 0))
        table *= np.outer(scale, scale)
    return table


def _rounded(shares: Floats, counts: Sequence[int], lead: Floats, generator: np.random.Generator) -> Ints:
    """The shares in whole meetings: the whole ones, then one by one the two most behind that leave pairs to the rest."""
    meetings = np.floor(shares + 1e-9).astype(np.int64)
    rest = np.asarray(counts, dtype=np.int64) - meetings.sum(axis=1)
    while rest.sum() > 0:
        behind = shares - meetings - lead + 1e-6 * generator.random(shares.shape)
        candidates = [
            (behind[i, j], int(i), int(j))
            for i, j in zip(*np.triu_indices(len(counts), 1), strict=True)
            if rest[i] and rest[j] and _leaves_pairs(rest, int(i), int(j))
        ]
        _, i, j = max(candidates)
        meetings[i, j] += 1
        meetings[j, i] += 1
        rest[[i, j]] -= 1
    return meetings


def _leaves_pairs(rest: Ints, i: int, j: int) -> bool:
    after = rest.copy()
    after[[i, j]] -= 1
    return bool(2 * after.max() <= after.sum())
