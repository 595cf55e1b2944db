"""Maximum mean discrepancy of two samples by a kernel, in blocks, with its bootstrap from the same pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating[Any]]
Floats = NDArray[np.float32]
Kernel = Callable[[Floats, Floats], Floats]

BLOCK = 1_000
AT_MEDIAN = 2_000


@dataclass(frozen=True)
class Mmd:
    """The unbiased estimate, and what it was in each resample."""

    value: float
    resampled: NDArray[np.float64]


def polynomial(dimensions: int) -> Kernel:
    """(x·y / d + 1)³, the kernel of KID."""

    def of(x: Floats, y: Floats) -> Floats:
        inner = x @ y.T
        inner /= np.float32(dimensions)
        inner += 1
        return np.asarray(inner * inner * inner)  # numpy's power is many times slower

    return of


def gaussian(bandwidth: float) -> Kernel:
    """exp(−|x − y|² / 2σ²)."""

    def of(x: Floats, y: Floats) -> Floats:
        squared = squared_distances(x, y)
        squared *= np.float32(-0.5 / bandwidth**2)
        return np.asarray(np.exp(squared, out=squared))

    return of


def squared_distances(x: Floats, y: Floats) -> Floats:
    """(n, m) by one matrix product; what rounding makes negative is 0."""
    squared = x @ y.T
    squared *= -2
    squared += np.einsum("ij,ij->i", x, x)[:, None]
    squared += np.einsum("ij,ij->i", y, y)[None, :]
    return np.asarray(np.maximum(squared, 0, out=squared))


def median_distance(rows: Rows) -> float:
    """The median distance of two pictures, over at most 2,000 of them; 1 where all are the same."""
    some = np.asarray(rows[:AT_MEDIAN], dtype=np.float32)
    squared = squared_distances(some, some)[np.triu_indices(len(some), 1)]
    return float(np.sqrt(np.median(squared))) or 1.0


def mmd(real: Rows, fake: Rows, kernel: Kernel, *, resamples: int, seed: int) -> Mmd:
    """MMD² (Gretton et al. 2012, eq. 3) over all pairs of different pictures.

    A resample draws n pictures with replacement; pairs of a picture with itself stay out of it as they stay out of
    the estimate, so it is as unbiased. All come from one pass: with the draws as weights w each sum is wᵀKw.
    """
    dice = np.random.default_rng(seed)
    x, y = (np.asarray(rows, dtype=np.float32) for rows in (real, fake))
    at_x, at_y = (_weights(len(rows), resamples, dice) for rows in (x, y))
    within = _within(x, at_x, kernel) + _within(y, at_y, kernel)
    every = within - 2 * _across(x, at_x, y, at_y, kernel)
    return Mmd(float(every[0]), every[1:])


def _weights(count: int, resamples: int, dice: np.random.Generator) -> Floats:
    """(1 + resamples, count): first every picture once, then how often each was drawn."""
    drawn = dice.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.vstack([np.ones((1, count)), drawn]).astype(np.float32)


def _within(rows: Floats, weights: Floats, kernel: Kernel) -> NDArray[np.float64]:
    """The mean of k over pairs of different pictures, for each row of weights; each block of pairs is met once."""
    total = np.zeros(len(weights))
    for first in range(0, len(rows), BLOCK):
        here = slice(first, first + BLOCK)
        for second in range(first, len(rows), BLOCK):
            there = slice(second, second + BLOCK)
            found = kernel(rows[here], rows[there])
            if first == second:
                np.fill_diagonal(found, 0)
            total += (1 if first == second else 2) * _weighted(found, weights[:, here], weights[:, there])
    pairs = weights.sum(axis=1, dtype=np.float64) ** 2 - np.square(weights, dtype=np.float64).sum(axis=1)
    return np.asarray(total / pairs)


def _across(x: Floats, at_x: Floats, y: Floats, at_y: Floats, kernel: Kernel) -> NDArray[np.float64]:
    total = np.zeros(len(at_x))
    for first in range(0, len(x), BLOCK):
        here = slice(first, first + BLOCK)
        for second in range(0, len(y), BLOCK):
            there = slice(second, second + BLOCK)
            total += _weighted(kernel(x[here], y[there]), at_x[:, here], at_y[:, there])
    return np.asarray(total / (len(x) * len(y)))


def _weighted(found: Floats, left: Floats, right: Floats) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ri,ri->r", left @ found, right, dtype=np.float64))
