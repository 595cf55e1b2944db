"""How well raters tell the fakes of each kind (generator, modality) from real images, and whether kinds differ in that."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from rating.statistics.accuracy.fool_rate import MOST_GROUPS_COMPARED
from rating.statistics.arrays import Flags, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean, mean_of
from rating.statistics.mrmc.nested import Kind, of_areas
from rating.statistics.mrmc.paired import with_holm
from rating.statistics.mrmc.triples import Levels

LEVELS = 3  # real, unsure, fake


def auc_by_generator(columns: StudyColumns, levels: Ints) -> tuple[RandomMean, dict[str, Any]]:
    """The AUC averaged over raters, and {"by_generator": …, "by_modality": …}: that of each kind, and their differences.

    levels: raters × images, -1 where missing. A generator's fakes are held against the real images of the modalities it
    has fakes of, so that two generators share them; those of two modalities are different images.
    """
    fake = np.array([word == "fake" for word in columns.truth], dtype=np.bool_)
    cut = _Cut(levels, fake, columns.modality, columns.generator)
    all_images = Kind.of(cut.reals(np.ones_like(fake)), cut.fakes(fake))
    return _area(all_images), {
        "by_generator": _by(columns.generator, fake, cut),
        "by_modality": _by(columns.modality, fake, cut),
    }


def _by(groups: Sequence[str], fake: Flags, cut: _Cut) -> dict[str, Any]:
    of_image = np.array(groups, dtype=object)
    kinds: dict[str, Kind] = {}
    for name in sorted(set(of_image[fake])):
        in_group = fake & np.asarray(of_image == name)
        kinds[name] = Kind.of(cut.reals(in_group), cut.fakes(in_group))
    rows = [
        {"name": name, "fakes": _rated(kind.fakes), "reals": _rated(kind.reals), "area": _area(kind)}
        for name, kind in kinds.items()
    ]
    pairs = list(combinations(kinds, 2)) if len(kinds) <= MOST_GROUPS_COMPARED else []
    return {"groups": rows, "differences": with_holm([_compared(kinds, *pair) for pair in pairs])}


def _compared(kinds: dict[str, Kind], first: str, second: str) -> dict[str, Any]:
    a, b = kinds[first], kinds[second]
    shared = (a.reals.cells >= 0).any(axis=0) & (b.reals.cells >= 0).any(axis=0)
    difference = of_areas(a, b)
    return {
        "first": first,
        "second": second,
        "reals_in_common": int(shared.sum()),
        "difference": difference.estimate,
        "p": difference.p,
    }


def _area(kind: Kind) -> RandomMean:
    if kind.area is None:
        return RandomMean(Estimate.undefined(str(kind.reason)), None)
    return mean_of(kind.area.moments).of_raters(kind.area.present.by_rater[:, None] > 0)


def _rated(side: Levels) -> int:
    return int((side.cells >= 0).any(axis=0).sum())


class _Cut:
    """The images cut into the smallest parts there are, by modality and generator, each counted once."""

    def __init__(self, levels: Ints, fake: Flags, modality: Sequence[str], generator: Sequence[str]) -> None:
        self._levels, self._fake, self._modality = levels, fake, np.array(modality, dtype=object)
        of_image: dict[tuple[str, str, bool], list[int]] = {}
        for at, key in enumerate(zip(modality, generator, fake.tolist(), strict=True)):
            of_image.setdefault(key, []).append(at)
        self._parts = [(np.array(places), Levels(levels[:, places], LEVELS)) for places in of_image.values()]
        self._reals: dict[frozenset[str], Levels] = {}

    def fakes(self, images: Flags) -> Levels:
        """These fakes, whole parts only."""
        return self._joined(images, self._levels[:, images])

    def reals(self, images: Flags) -> Levels:
        """All real images, those of other modalities than some images' blanked out; the same object for the same."""
        modalities = frozenset(self._modality[images])
        if modalities not in self._reals:
            is_comparable = ~self._fake & np.isin(self._modality, list(modalities))
            cells = np.where(is_comparable, self._levels, -1)[:, ~self._fake]
            self._reals[modalities] = self._joined(is_comparable, cells)
        return self._reals[modalities]

    def _joined(self, images: Flags, cells: Ints) -> Levels:
        return Levels(cells, LEVELS, [part for places, part in self._parts if images[places[0]]])
