"""The answers of an arena as arrays: who compared which pair of images, of which generators, and what they chose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rating.statistics.arena.bradley_terry import Comparisons
from rating.statistics.arrays import Ints

FIRST, SECOND, TIED = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A row is one rater's answer on one pair of images; generators are empty while they are not told.

    rater and pair: places among all of them; first and second: the generators of the pair's images by letter; chosen:
    which of the two, or neither; side: 0 where the left image was chosen, 1 the right one, 2 neither.
    """

    raters: tuple[str, ...]
    generators: tuple[str, ...]
    rater: Ints
    pair: Ints
    first: Ints
    second: Ints
    chosen: Ints
    side: Ints

    def __len__(self) -> int:
        return len(self.rater)

    @property
    def comparisons(self) -> Comparisons:
        """One row an answer, as the model takes them."""
        first, second, tied = (
            np.asarray(self.chosen == outcome, dtype=np.int64) for outcome in (FIRST, SECOND, TIED)
        )
        return Comparisons(self.generators, self.rater, self.first, self.second, first, second, tied)
