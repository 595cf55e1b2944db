"""The search for copies among images of the pool: by their thumbnails, which are kept, so that a second search is quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from pool.canonical.pixels import decode_png, fitted_square, thumbnail
from pool.canonical.previews import thumbnail_png
from pool.copies.rule import Calibration, Likeness, likeness_of
from pool.copies.search import nearest, nearest_within, pairs_of
from pool.copies.structure import IMAGES_AT_ONCE, SIDE, SLICES_OF_A_STACK, Numbers, Structures, structures
from pool.models import Image
from pool.storage.slices import slice_files
from pool.storage.stored_files import stored_bytes

Pair = tuple[Image, Image]
Pulse = Callable[[], object]


MOST_OTHER_SLICES = 2000  # of one gallery: no thumbnails of them are kept


@dataclass(frozen=True)
class Gallery:
    """Images with their fine structure; a stack has a row for each of some of its slices, `image_of` says whose a row is."""

    images: Sequence[Image]
    structures: Structures
    image_of: Numbers

    @classmethod
    def of(cls, images: Sequence[Image], *, pulse: Pulse) -> Self:
        squares, image_of = [], []
        others = MOST_OTHER_SLICES
        for place, image in enumerate(images):
            rows = [_square(thumbnail_png(image))]
            if image.slices > 1 and others >= SLICES_OF_A_STACK - 1:
                rows += _other_slices(image)
                others -= len(rows) - 1
            squares += rows
            image_of += [place] * len(rows)
            if place % IMAGES_AT_ONCE == 0:
                pulse()
        stacked = np.array(squares, dtype=np.uint8).reshape(-1, SIDE, SIDE)
        return cls(images, structures(stacked, pulse=pulse), np.array(image_of, dtype=np.int64))

    @cached_property
    def likeness(self) -> Likeness:
        """How alike images of different patients, and copies, are among these: measured where it is first asked for."""
        patients = [image.patient_key or (str(image.pk) if image.slices > 1 else "") for image in self.images]
        of_rows = [patients[place] for place in self.image_of]
        return likeness_of(self.structures.small, self.structures, of_rows, tried=False)

    def copied_by(self, others: Gallery, *, pulse: Pulse) -> CopySearch:
        """Each of the others that repeats one of these images, beside the most similar one."""
        rule = self.likeness.rule(len(self.structures) * len(others.structures))
        if not self.images or not others.images:
            return CopySearch([], rule)
        closest = nearest(others.structures, self.structures, pulse=pulse)
        rows = np.flatnonzero(closest.similarity >= rule.threshold)
        rows = rows[np.argsort(-closest.similarity[rows], kind="stable")]
        first = {int(others.image_of[row]): int(self.image_of[closest.place[row]]) for row in rows[::-1]}
        pairs = [(others.images[place], self.images[of]) for place, of in sorted(first.items())]
        return CopySearch(pairs, rule)

    def repeats(self, *, pulse: Pulse) -> CopySearch:
        """Pairs of these images of which one is the other's nearest and repeats it."""
        rule = self.likeness.rule(len(self.structures) * (len(self.structures) - 1) // 2)
        if len(self.images) < 2:
            return CopySearch([], rule)
        rows = pairs_of(nearest_within(self.structures, self.image_of, pulse=pulse), rule.threshold)
        places = sorted({(int(self.image_of[first]), int(self.image_of[second])) for first, second in rows})
        return CopySearch([(self.images[first], self.images[second]) for first, second in places], rule)


@dataclass(frozen=True, slots=True)
class CopySearch:
    """The pairs that a search gave, and the rule it went by."""

    pairs: Sequence[Pair]
    rule: Calibration


def _other_slices(image: Image) -> list[npt.NDArray[np.uint8]]:
    number = min(image.slices, SLICES_OF_A_STACK)
    files = [file for file in slice_files(image, number) if file.name != image.file.name]
    return [_square(thumbnail(decode_png(stored_bytes(file, f"image {image.pk}")))) for file in files]


def _square(png: bytes) -> npt.NDArray[np.uint8]:
    """Its middle square, as structures are made of."""
    return fitted_square(decode_png(png), side=SIDE)
