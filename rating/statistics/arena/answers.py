"""The answers of an arena as arrays: who compared which pair of images, of which generators, and what they chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rating.statistics.arena.bradley_terry import Comparisons
from rating.statistics.arrays import Ints
from rating.statistics.columns import StudyColumns

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

    @classmethod
    def of(cls, columns: StudyColumns, session: int, sets: Mapping[str, Sequence[str]] | None) -> Answers:
        """The main answers of a session; sets: by a pair's code the generators of its images by letter, None untold."""
        main = columns.main(session)
        image, chosen = columns.image[main], columns.label[main].astype(np.int64)
        names = sorted({name for code in columns.images for name in sets[code]}) if sets else []
        place = {name: number for number, name in enumerate(names)}
        of_pair = [[place[name] for name in sets[code]] if sets else [0, 1] for code in columns.images]
        met = np.array(of_pair, dtype=np.int64).reshape(-1, 2)[image]
        first_letter = columns.letter_order[main] // 10 - 1
        side = np.where(chosen == TIED, TIED, np.where(chosen == first_letter, 0, 1))
        return cls(
            columns.raters,
            tuple(names),
            columns.rater[main],
            image,
            met[:, 0],
            met[:, 1],
            chosen,
            side,
        )

    def __len__(self) -> int:
        return len(self.rater)

    @property
    def comparisons(self) -> Comparisons:
        """One row an answer, as the model takes them."""
        first, second, tied = (
            np.asarray(self.chosen == outcome, dtype=np.int64) for outcome in (FIRST, SECOND, TIED)
        )
        return Comparisons(self.generators, self.rater, self.first, self.second, first, second, tied)
