"""Check a published table of two raters: can the overlap they report happen, given how often each gave each label?

Margins leave only some tables possible; a claim outside them contradicts the paper's own numbers. Ranges and kappa
bounds come from integer programming, so that a label one of the raters did not report may stay open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import scipy

from rating.statistics.agreement.cohen import cohen
from rating.statistics.arrays import TINY, Floats, Ints

MOST_TABLES = 1_000
MOST_STEPS = 200_000  # of the search: less than a second

Cell = tuple[str, str]
Margin = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Two raters' reported counts of each label over the same images; None where a count is not reported.

    images: how many images both rated, needed only if both margins leave labels open.
    fixed: numbers of the joint table taken as given, by (first rater's label, second rater's label).
    """

    labels: tuple[str, ...]
    first: Margin
    second: Margin
    images: int | None = None
    fixed: Mapping[Cell, int] = field(default_factory=dict)

    def with_agreed(self, **claims: int) -> PublishedTable:
        """The same with both raters agreeing on a label that often: with_agreed(real=5)."""
        cells = {(label, label): n for label, n in claims.items()}
        return PublishedTable(self.labels, self.first, self.second, self.images, {**self.fixed, **cells})

    @property
    def total(self) -> int:
        """How many images there are; raises ValueError where the margins do not say or contradict each other."""
        sums = {
            sum(equations)
            for margin in (self.first, self.second)
            if (equations := self._complete(margin)) is not None
        }
        if self.images is not None:
            sums.add(self.images)
        if len(sums) != 1:
            raise ValueError("The two raters' counts must add up to the same number of images.")
        return sums.pop()

    def cell_range(self, first: str, second: str) -> tuple[int, int] | None:
        """The fewest and most images called `first` by one and `second` by the other; None if no table fits."""
        weights = np.zeros((len(self.labels), len(self.labels)))
        weights[self.labels.index(first), self.labels.index(second)] = 1
        return self._range(weights)

    @property
    def feasible(self) -> bool:
        """Whether any table fits the margins and what is fixed."""
        return self._range(np.zeros((len(self.labels), len(self.labels)))) is not None

    @property
    def agreement_range(self) -> tuple[int, int] | None:
        """The fewest and most images the two can agree on."""
        return self._range(np.eye(len(self.labels)))

    @property
    def kappa_range(self) -> tuple[float, float] | None:
        """The lowest and highest Cohen's kappa that fits; None unless both margins are complete and kappa exists."""
        rows, columns, agreed = self._complete(self.first), self._complete(self.second), self.agreement_range
        if rows is None or columns is None or agreed is None:
            return None
        n = self.total
        chance = sum(a * b for a, b in zip(rows, columns, strict=True)) / n**2
        if chance > 1 - TINY:
            return None
        low, high = ((same / n - chance) / (1 - chance) for same in agreed)
        return low, high

    def tables(self, most: int = MOST_TABLES) -> list[list[list[int]]]:
        """The tables that fit, in lexical order, `most` at the most; complete margins only.

        Raises TooManyTablesError where the search would not end in reasonable time.
        """
        rows, columns = self._complete(self.first), self._complete(self.second)
        if rows is None or columns is None:
            raise ValueError("Tables can be listed only when every count is reported.")
        fixed = {(self.labels.index(a), self.labels.index(b)): n for (a, b), n in self.fixed.items()}
        return list(islice(_fill(rows, columns, fixed, Budget()), most))

    def kappas(self, most: int = MOST_TABLES) -> list[float | None]:
        """Cohen's kappa of each of the tables that fit."""
        return [cohen(np.array(table)).kappa.estimate for table in self.tables(most)]

    def _of(self, margin: Margin) -> list[int | None]:
        return [margin.get(label) for label in self.labels]

    def _complete(self, margin: Margin) -> list[int] | None:
        """The counts in the order of the labels, None if one is open."""
        equations = [n for n in self._of(margin) if n is not None]
        return equations if len(equations) == len(self.labels) else None

    def _range(self, weights: Floats) -> tuple[int, int] | None:
        """The extremes of a weighted sum of cells over all tables that fit."""
        matrix, sums = self._equations()
        extremes = []
        for sign in (1, -1):
            result = scipy.optimize.milp(
                sign * weights.ravel(),
                integrality=np.ones(weights.size, dtype=np.int64),
                constraints=scipy.optimize.LinearConstraint(matrix, sums, sums),
                bounds=scipy.optimize.Bounds(0, np.inf),
            )
            if not result.success:
                return None
            extremes.append(round(sign * result.fun))
        return extremes[0], extremes[1]

    def _equations(self) -> tuple[scipy.sparse.csr_array, Ints]:
        """The margins, the total and the fixed cells as equations on the cells."""
        q = len(self.labels)
        place = np.arange(q * q).reshape(q, q)
        equations = [(place[k, :], n) for k, n in enumerate(self._of(self.first)) if n is not None]
        equations += [(place[:, k], n) for k, n in enumerate(self._of(self.second)) if n is not None]
        equations.append((place.ravel(), self.total))
        equations += [
            (place[[self.labels.index(a)], self.labels.index(b)], n) for (a, b), n in self.fixed.items()
        ]
        matrix = np.zeros((len(equations), q * q))
        for row, (cells, _) in enumerate(equations):
            matrix[row, cells] = 1
        return scipy.sparse.csr_array(matrix), np.array([n for _, n in equations], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a paper, whether its own margins allow it, and the sentence that says so."""

    name: str
    feasible: bool
    sentence: str


def check_claim(name: str, table: PublishedTable, label: str, n: int) -> Claim:
    """Whether both raters can have called `n` images `label`."""
    extremes = table.cell_range(label, label)
    if extremes is None:
        return Claim(name, False, f"{name}: no table fits the two raters' own counts.")
    low, high = extremes
    if low <= n <= high:
        return Claim(name, True, f"{name}: {n} is possible; the counts allow {low} to {high}.")
    return Claim(name, False, f"{name}: {n} contradicts the raters' own counts, which allow {low} to {high}.")


class TooManyTablesError(ValueError):
    """More tables would have to be tried than anybody waits for."""


class Budget:
    """How many cells a search may still try; a form stands before it, so it must end."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self._steps = steps

    def spend(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise TooManyTablesError("There are too many tables to list.")


def _fill(
    rows: Sequence[int],
    columns: Sequence[int],
    fixed: Mapping[tuple[int, int], int],
    budget: Budget,
    at: int = 0,
) -> Iterator[list[list[int]]]:
    """Every table with these row and column sums, row by row."""
    if at == len(rows):
        if not any(columns):
            yield []
        return
    for row in _fill_row(rows[at], columns, fixed, budget, (at, 0)):
        remaining = [have - count for have, count in zip(columns, row, strict=True)]
        for rest in _fill(rows, remaining, fixed, budget, at + 1):
            yield [row, *rest]


def _fill_row(
    remaining: int,
    room: Sequence[int],
    fixed: Mapping[tuple[int, int], int],
    budget: Budget,
    cell: tuple[int, int],
) -> Iterator[list[int]]:
    row, column = cell
    if column == len(room):
        if remaining == 0:
            yield []
        return
    most = min(remaining, room[column])
    fixed_count = fixed.get(cell)
    if fixed_count is None and column == len(room) - 1:
        fixed_count = remaining  # the last cell of a row has what the others leave
    choices = range(most + 1) if fixed_count is None else [fixed_count] * (fixed_count <= most)
    for n in choices:
        budget.spend()
        for rest in _fill_row(remaining - n, room, fixed, budget, (row, column + 1)):
            yield [n, *rest]
