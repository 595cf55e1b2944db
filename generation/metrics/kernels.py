"""Maximum mean discrepancy of two samples by a kernel, in blocks over all cores, with its bootstrap from the same pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Rows = NDArray[np.floating[Any]]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Weighted = tuple[Floats, Floats]  # rows, and how often each counts in every resample
Kernel = Callable[[Floats, Floats], Floats]

BLOCK = 1_000
AT_MEDIAN = 2_000


@dataclass(frozen=True)
class Mmd:
    """The unbiased estimate, and what it was in each resample that has one."""

    value: float
    resampled: Doubles


def polynomial(dimensions: int) -> Kernel:
    """(x·y / d + 1)³, the kernel of KID."""

    def of(x: Floats, y: Floats) -> Floats:
        inner = x @ y.T
        inner *= np.float32(1 / dimensions)
        inner += 1
        cubed = inner * inner  # numpy's power is many times slower
        cubed *= inner
        return np.asarray(cubed)

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
    """The median distance of two images, over at most 2,000 of them; 1 where all are the same."""
    some = np.asarray(rows[:AT_MEDIAN], dtype=np.float32)
    squared = squared_distances(some, some)[np.triu_indices(len(some), 1)]
    return float(np.sqrt(np.median(squared))) or 1.0


def mmd(real: Rows, fake: Rows, kernel: Kernel, *, resamples: int, seed: int) -> Mmd:
    """MMD² (Gretton et al. 2012, eq. 3) over all pairs of different images.

    A resample draws n images with replacement; pairs of an image with itself stay out of it as they stay out of
    the estimate, so it is as unbiased. All come from one pass: with the draws as weights w each sum is wᵀKw.
    """
    generator = np.random.default_rng(seed)
    x, y = (np.asarray(rows, dtype=np.float32) for rows in (real, fake))
    at_x, at_y = (_weights(len(rows), resamples, generator) for rows in (x, y))
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as threads:
        within = _within(x, at_x, kernel, threads) + _within(y, at_y, kernel, threads)
        every = within - 2 * _across((x, at_x), (y, at_y), kernel, threads)
    # A resample of few images may be one of them again and again, which has no pairs.
    return Mmd(float(every[0]), every[1:][np.isfinite(every[1:])])


def _weights(count: int, resamples: int, generator: np.random.Generator) -> Floats:
    """(1 + resamples, count): first every image once, then how often each was drawn."""
    draws = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.vstack([np.ones((1, count)), draws]).astype(np.float32)


def _within(rows: Floats, weights: Floats, kernel: Kernel, threads: Executor) -> Doubles:
    """The mean of k over pairs of different images, for each row of weights; each block of pairs is met once."""

    def sums(block: tuple[int, int]) -> Doubles:
        here, there = (slice(start, start + BLOCK) for start in block)
        similarities = kernel(rows[here], rows[there])
        if block[0] == block[1]:
            np.fill_diagonal(similarities, 0)
        return (1 if block[0] == block[1] else 2) * _weighted(
            similarities, weights[:, here], weights[:, there]
        )

    total = _added(threads.map(sums, combinations_with_replacement(range(0, len(rows), BLOCK), 2)))
    pairs = weights.sum(axis=1, dtype=np.float64) ** 2 - np.square(weights, dtype=np.float64).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / pairs)


def _across(first: Weighted, second: Weighted, kernel: Kernel, threads: Executor) -> Doubles:
    (x, at_x), (y, at_y) = first, second

    def sums(block: tuple[int, int]) -> Doubles:
        here, there = (slice(start, start + BLOCK) for start in block)
        return _weighted(kernel(x[here], y[there]), at_x[:, here], at_y[:, there])

    blocks = product(range(0, len(x), BLOCK), range(0, len(y), BLOCK))
    return np.asarray(_added(threads.map(sums, blocks)) / (len(x) * len(y)))


def _added(parts: Iterable[Doubles]) -> Doubles:
    """In the order of the blocks, so that the sum is the same however many threads there are."""
    return np.asarray(np.sum(list(parts), axis=0))


def _weighted(similarities: Floats, left_weights: Floats, right_weights: Floats) -> Doubles:
    return np.asarray(np.einsum("ri,ri->r", left_weights @ similarities, right_weights, dtype=np.float64))
