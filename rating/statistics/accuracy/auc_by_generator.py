"""How well raters tell the fakes of each kind (generator, modality) from real images, and whether kinds differ in that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from rating.statistics.accuracy.fool_rate import MOST_GROUPS_COMPARED
from rating.statistics.arrays import Flags, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import fixed_raters
from rating.statistics.mrmc.moments import RandomMean, random_mean
from rating.statistics.mrmc.nested import Difference, Kind, of_areas
from rating.statistics.mrmc.paired import holm_adjusted
from rating.statistics.mrmc.triples import Levels

LEVELS = 3  # real, unsure, fake


@dataclass(frozen=True, slots=True)
class AucOfGroup:
    """The AUC of one group's fakes against the real images of the same modalities; numbers of images that were rated."""

    name: str
    fakes: int
    reals: int
    area: RandomMean


@dataclass(frozen=True, slots=True)
class AucDifference:
    """The first group's AUC less the second's; reals_in_common: the real images that both are held against."""

    first: str
    second: str
    reals_in_common: int
    difference: Estimate
    method: str
    p: float | None
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class AucsByGroup:
    """The AUC of every group of one kind, and their differences in pairs."""

    groups: tuple[AucOfGroup, ...]
    differences: tuple[AucDifference, ...]


@dataclass(frozen=True, slots=True)
class AucByKind:
    """The AUC averaged over raters of all fakes, of each generator's, and of each modality's."""

    overall: RandomMean
    by_generator: AucsByGroup
    by_modality: AucsByGroup


def auc_by_generator(columns: StudyColumns, levels: Ints) -> AucByKind:
    """The AUC averaged over raters, that of each generator and modality, and their differences.

    levels: raters × images, -1 where missing. A generator's fakes are held against the real images of the modalities it
    has fakes of, so that two generators share them; those of two modalities are different images.
    """
    fake = columns.is_fake
    cut = _Cut(levels, fake, columns.modality, columns.generator)
    all_images = Kind.of(cut.reals(np.ones_like(fake)), cut.fakes(fake))
    return AucByKind(
        _area(all_images),
        _by_group(columns.generator, fake, cut),
        _by_group(columns.modality, fake, cut),
    )


def _by_group(groups: Sequence[str], fake: Flags, cut: _Cut) -> AucsByGroup:
    of_image = np.array(groups, dtype=object)
    kinds: dict[str, Kind] = {}
    for name in sorted(set(of_image[fake])):
        selection = fake & np.asarray(of_image == name)
        kinds[name] = Kind.of(cut.reals(selection), cut.fakes(selection))
    rows = tuple(
        AucOfGroup(name, _images_rated(kind.fakes), _images_rated(kind.reals), _area(kind))
        for name, kind in kinds.items()
    )
    pairs = list(combinations(kinds, 2)) if len(kinds) <= MOST_GROUPS_COMPARED else []
    differences = [of_areas(kinds[a], kinds[b]) for a, b in pairs]
    adjusted = holm_adjusted([difference.p for difference in differences])
    return AucsByGroup(
        rows,
        tuple(
            _difference(a, b, kinds, difference, p_holm)
            for (a, b), difference, p_holm in zip(pairs, differences, adjusted, strict=True)
        ),
    )


def _difference(
    first: str, second: str, kinds: dict[str, Kind], difference: Difference, p_holm: float | None
) -> AucDifference:
    shared = [(kinds[name].reals.cells >= 0).any(axis=0) for name in (first, second)]
    in_common = int((shared[0] & shared[1]).sum())
    return AucDifference(
        first, second, in_common, difference.estimate, difference.method, difference.p, p_holm
    )


def _area(kind: Kind) -> RandomMean:
    if kind.area is None:
        return RandomMean(Estimate.undefined(str(kind.reason)), None)
    raters = int((kind.area.present.by_rater > 0).sum())
    average = random_mean(kind.area.mean, kind.area.moments.dispersion(), raters=raters)
    # Real images that nobody rated here are of other modalities, or of no use.
    reals, fakes = (side.cells[:, (side.cells >= 0).any(axis=0)] for side in (kind.reals, kind.fakes))
    levels = np.concatenate([reals, fakes], axis=1)
    fake = np.arange(levels.shape[1]) >= reals.shape[1]
    mean = fixed_raters.area(fake, levels)
    return replace(average, these_raters=mean.estimate() if mean else None)


def _images_rated(side: Levels) -> int:
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

    def fakes(self, selection: Flags) -> Levels:
        """These fakes, complete parts only."""
        return self._joined(selection, self._levels[:, selection])

    def reals(self, images: Flags) -> Levels:
        """All real images, those of other modalities than these images' blanked out; the same object for the same."""
        modalities = frozenset(self._modality[images])
        if modalities not in self._reals:
            selection = ~self._fake & np.isin(self._modality, list(modalities))
            cells = np.where(selection, self._levels, -1)[:, ~self._fake]
            self._reals[modalities] = self._joined(selection, cells)
        return self._reals[modalities]

    def _joined(self, selection: Flags, cells: Ints) -> Levels:
        return Levels(cells, LEVELS, [part for places, part in self._parts if selection[places[0]]])
