"""The search for copies among images of the pool: by their thumbnails, which are kept, so that a second search is quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pool.canonical.pixels import decode_png, fitted_square
from pool.canonical.previews import thumbnail_png
from pool.copies.rule import calibrate
from pool.copies.search import nearest, nearest_within, pairs_of
from pool.copies.structure import IMAGES_AT_ONCE, SIDE, Structures, structures
from pool.models import Image

Pair = tuple[Image, Image]
Pulse = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Images with their fine structure, and from which similarity on something counts as a copy of one of them."""

    images: Sequence[Image]
    structures: Structures
    threshold: float

    @classmethod
    def of(cls, images: Sequence[Image], *, pulse: Pulse) -> Self:
        structures = structures_of(images, pulse=pulse)
        patients = [image.patient_key for image in images]
        return cls(
            images, structures, calibrate(structures.small, structures, patients, pulse=pulse).threshold
        )

    def copied_by(self, others: Gallery, *, pulse: Pulse) -> list[Pair]:
        """Each of the others that repeats one of these images, beside the most similar one."""
        if not self.images or not others.images:
            return []
        closest = nearest(others.structures, self.structures, pulse=pulse)
        return [
            (others.images[place], self.images[int(closest.place[place])])
            for place in np.flatnonzero(closest.similarity >= self.threshold).tolist()
        ]

    def repeats(self, *, pulse: Pulse) -> list[Pair]:
        """Pairs of these images of which one is the other's nearest and repeats it."""
        if len(self.images) < 2:
            return []
        pairs = pairs_of(nearest_within(self.structures, pulse=pulse), self.threshold)
        return [(self.images[first], self.images[second]) for first, second in pairs]


def structures_of(images: Sequence[Image], *, pulse: Pulse) -> Structures:
    """The fine structure of each image's middle square."""
    squares = np.empty((len(images), SIDE, SIDE), dtype=np.uint8)
    for place, image in enumerate(images):
        squares[place] = fitted_square(decode_png(thumbnail_png(image)), side=SIDE)
        if place % IMAGES_AT_ONCE == 0:
            pulse()
    return structures(squares, pulse=pulse)


def copies_of(images: Sequence[Image], originals: Sequence[Image], *, pulse: Pulse) -> list[Pair]:
    """Each image that repeats one of the originals, beside the most similar one."""
    if not images or not originals:
        return []
    return Gallery.of(originals, pulse=pulse).copied_by(Gallery.of(images, pulse=pulse), pulse=pulse)
