"""The slices of each series of a dataset in the order in which they lie, and which are missing between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pool.imports.notes import Note
from pool.models import Dataset, Image

CODE = "series"
LEAST_GAP = 1.5  # of the usual distance: from there on a slice is missing
SAME_PLACE = 0.01  # mm
LEAST_SLICES = 3  # two have a distance, and nothing says whether it is the usual one


@dataclass(frozen=True)
class Gap:
    """After which slice of those in order slices are missing, about how many, and the two distances in mm."""

    after: int
    missing: int
    distance: float
    usual: float

    @property
    def note(self) -> Note:
        slices = "1 slice is" if self.missing == 1 else f"{self.missing} slices are"
        words = f"{slices} missing after this one: {self.distance:.4g} mm to the next, {self.usual:.4g} mm elsewhere."
        return Note(CODE, words)


def gaps(positions: Sequence[float]) -> list[Gap]:
    """Where slices are missing between these positions, in order, in mm."""
    distances = [after - before for before, after in pairwise(positions)]
    steps = [distance for distance in distances if distance > SAME_PLACE]
    if len(positions) < LEAST_SLICES or len(steps) < LEAST_SLICES - 1:
        return []
    # Gaps make distances longer and never shorter: a quarter of them without any is enough to say what is usual.
    usual = sorted(steps)[len(steps) // 4]
    return [
        Gap(place, round(distance / usual) - 1, distance, usual)
        for place, distance in enumerate(distances)
        if distance >= LEAST_GAP * usual
    ]


def order_series(dataset: Dataset, keys: Iterable[str]) -> None:
    """Number the slices of these series from the first in space on, and note on each after which some are missing."""
    for key in filter(None, set(keys)):
        slices = list(dataset.images.filter(series_key=key).order_by("slice_position", "source_name"))
        missing = {
            gap.after: gap.note for gap in gaps([float(image.slice_position or 0) for image in slices])
        }
        for place, image in enumerate(slices):
            image.slice_number, image.slice_count = place + 1, len(slices)
            image.notes = [note for note in image.notes if note["code"] != CODE]
            if place in missing:
                image.notes.append(missing[place].as_json())
        Image.objects.bulk_update(slices, ["slice_number", "slice_count", "notes"], batch_size=500)
