"""Sums over (rater, real image, fake image) triples: what the U-statistic of an averaged AUC is made of.

A triple's kernel is 1 where the rater put the fake above the real image, a half for a tie. The variance needs sums of
products of two kernels over all pairs of triples that share a rater (r), the real image (i), the fake (j), or several.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from rating.statistics.agreement.pairs import cross_tables
from rating.statistics.arrays import Floats, Ints
from rating.statistics.mrmc.moments import Moments

SETS = ("", "r", "i", "j", "ri", "rj", "ij", "rij")
GRAM_LIMIT = 3_000  # raters × levels up to which the one-hot product is the quicker way


class Levels:
    """The levels (0 … q - 1) that raters gave to images of one kind: raters × images, -1 missing.

    parts: what these images were put together from, if they were; their tables add up to those of the whole, so that
    a million ratings are counted once, however many wholes they are part of.
    """

    def __init__(
        self, cells: Ints, q: int, parts: Sequence[Levels] = (), *, counted: Levels | None = None
    ) -> None:
        self.cells, self.q, self._parts, self._counted = cells, q, parts, counted

    @cached_property
    def presence(self) -> Levels:
        """Level 0 wherever there is one: with a kernel of 1, the sums count."""
        return Levels(np.where(self.cells >= 0, 0, -1), 1, counted=self)

    def tables(self, other: Levels) -> Floats:
        """How often a rater here gave level k where one of `other` gave l: (raters, q, raters, q)."""
        return self._own if other is self else cross_tables(self.cells, other.cells, self.q)

    @cached_property
    def _own(self) -> Floats:
        if self._parts:
            return np.asarray(sum(part._own for part in self._parts), dtype=np.float64)
        if self._counted and len(self.cells) * self._counted.q <= GRAM_LIMIT:
            return np.asarray(self._counted._own.sum(axis=(1, 3), keepdims=True), dtype=np.float64)
        return cross_tables(self.cells, self.cells, self.q)


class Area:
    """One averaged AUC, ready for its variance and its covariance with others of the same raters and levels."""

    def __init__(self, reals: Levels, fakes: Levels) -> None:
        order = np.arange(reals.q)
        wins = (order[None, :] > order[:, None]) + 0.5 * np.eye(reals.q)  # real level × fake level
        self.present = Kernel(reals.presence, fakes.presence, np.ones((1, 1)))
        self.scored = Kernel(reals, fakes, wins)
        self.mean = float(self.scored.by_rater.sum() / self.present.by_rater.sum())
        self.scored.subtract(self.mean, self.present)

    @cached_property
    def moments(self) -> Moments:
        return self.moments_with(self)

    def moments_with(self, other: Area, *, fakes_in_common: bool = True) -> Moments:
        """The moments of the two areas, columns of both being the same images.

        fakes_in_common: False where the real images are the same (one not used is missing in all rows) but the fakes
        are others.
        """
        plain = sums(self.present, other.present, fakes_in_common=fakes_in_common)
        centred = sums(self.scored, other.scored, fakes_in_common=fakes_in_common)
        return Moments(SETS, centred, plain, (self.mean, other.mean))


class Kernel:
    """The kernel of each triple, summed over what an image is compared with.

    real: (raters × real images), each against all fakes of that rater; fake: the other way round; by_rater: the sums.
    """

    def __init__(self, reals: Levels, fakes: Levels, values: Floats) -> None:
        q, self.values = len(values), values
        self.of_real, self.of_fake = reals, fakes
        self.real = _pick(_level_counts(fakes.cells, q) @ values.T, reals.cells)
        self.fake = _pick(_level_counts(reals.cells, q) @ values, fakes.cells)
        self.by_rater: Floats = self.real.sum(axis=1)

    def subtract(self, value: float, present: Kernel) -> None:
        """Take `value` from the kernel of every triple that is there."""
        self.values = self.values - value
        self.real = self.real - value * present.real
        self.fake = self.fake - value * present.fake
        self.by_rater = self.by_rater - value * present.by_rater


def sums(a: Kernel, b: Kernel, *, fakes_in_common: bool = True) -> Floats:
    """The eight sums of products of kernels over pairs of triples, in the order of SETS."""
    shared = (0.0, 0.0, 0.0, 0.0)
    if fakes_in_common:
        shared = (
            float(a.fake.sum(axis=0) @ b.fake.sum(axis=0)),
            float((a.fake * b.fake).sum()),
            *same_images(a, b),
        )
    j, rj, ij, rij = shared
    products = (
        a.by_rater.sum() * b.by_rater.sum(),
        a.by_rater @ b.by_rater,
        a.real.sum(axis=0) @ b.real.sum(axis=0),
        j,
        (a.real * b.real).sum(),
        rj,
        ij,
        rij,
    )
    return np.array(products, dtype=np.float64)


def same_images(a: Kernel, b: Kernel) -> tuple[float, float]:
    """Sums over pairs with both images in common: whoever the raters, and with the same rater."""
    raters, q = len(a.of_real.cells), len(a.values)
    if raters * q > GRAM_LIMIT:
        return same_images_directly(a, b)
    reals, fakes = a.of_real.tables(b.of_real), a.of_fake.tables(b.of_fake)
    # a.values @ fakes @ b.values.T for each two raters, as two plain products.
    half = (a.values @ fakes.reshape(raters, q, raters * q)).reshape(-1, q)
    weighted = (half @ b.values.T).reshape(reals.shape)
    return float(np.vdot(reals, weighted)), float(np.einsum("rkrm,rkrm->", reals, weighted))


def same_images_directly(a: Kernel, b: Kernel) -> tuple[float, float]:
    """The same, one real image at a time: for scores of many levels."""
    # Level -1 picks the row and column of zeros.
    a_values, b_values = (np.pad(kernel.values, ((0, 1), (0, 1))) for kernel in (a, b))
    any_raters = same_rater = 0.0
    for i in range(a.of_real.cells.shape[1]):
        x = a_values[a.of_real.cells[:, i, None], a.of_fake.cells]
        y = b_values[b.of_real.cells[:, i, None], b.of_fake.cells]
        any_raters += float(x.sum(axis=0) @ y.sum(axis=0))
        same_rater += float((x * y).sum())
    return any_raters, same_rater


def _level_counts(levels: Ints, q: int) -> Floats:
    return np.stack([(levels == k).sum(axis=1) for k in range(q)], axis=1).astype(np.float64)


def _pick(values: Floats, levels: Ints) -> Floats:
    """values[r, levels[r, i]], 0 where the level is missing."""
    picked: Floats = np.take_along_axis(values, np.maximum(levels, 0).astype(np.int64), axis=1)
    return np.where(levels >= 0, picked, 0.0)
