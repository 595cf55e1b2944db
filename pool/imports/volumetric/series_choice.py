"""The slices of each DICOM series of an import, set aside until all files were opened, and then chosen from in order.

For stacks so are the files of each folder that are of no series, in the order of the numbers in their names.

What lies aside is on the disk; in memory stands only what is known of each slice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np

from pool.canonical.pixels import RefusedImageError, decode_png
from pool.imports.archives import Refusal
from pool.imports.notes import Note
from pool.imports.pipeline import OpenedFile, Prepared
from pool.imports.volumetric.slices import STACK, chosen_places
from pool.imports.volumetric.stacks import (
    OpenedStack,
    SliceFacts,
    distance_of,
    folder_of,
    in_counting_order,
    notes_of,
    why_even,
    why_no_stack,
)
from pool.storage.slices import SliceFile, middle_of

NO_PIXELS = np.zeros((0, 0), dtype=np.uint8)


class Unchosen(Refusal):
    """A slice of a series that the choice of slices leaves out."""


@dataclass(frozen=True)
class SliceAside:
    """An opened file without its bytes, where those lie, and where it lies itself in its series, in mm."""

    file: OpenedFile
    place: int
    png_bytes: int
    value_bytes: int

    facts: SliceFacts

    @property
    def order(self) -> tuple[float, list[tuple[int, str]]]:
        return self.facts.position or 0.0, in_counting_order(self.facts.name)


class SeriesChoice:
    """Sets slices aside by their series and chooses among each; use as a context manager. Without a choice it takes none."""

    def __init__(self, choice: str) -> None:
        self.choice = choice
        self._spool = tempfile.TemporaryFile(prefix="lungrater-slices-")  # noqa: SIM115  closed by __exit__
        self._series: dict[str, list[SliceAside]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def takes(self, file: OpenedFile) -> bool:
        """Set this file aside, where it is a slice of a series and slices are to be chosen."""
        if not self.choice or len(file.images) != 1:
            return False
        [image] = file.images
        decoded = image.decoded
        if decoded.hold_reason or not (decoded.series or self.choice == STACK):
            return False
        place = self._spool.seek(0, 2)
        self._spool.write(image.png)
        self._spool.write(decoded.values)
        bare = replace(image, png=b"", decoded=replace(decoded, pixels=NO_PIXELS, values=b""))
        facts = SliceFacts(
            file.source.name,
            (decoded.pixels.shape, decoded.pixels.dtype.name),
            file.source.facts.label,
            file.source.facts.patient or decoded.patient_id,
            decoded.position if decoded.series else None,
        )
        aside = SliceAside(replace(file, images=[bare]), place, len(image.png), len(decoded.values), facts)
        # A folder is no series, and no identifier begins as this does.
        key = decoded.series or f"/{folder_of(file.source.name)}"
        self._series.setdefault(key, []).append(aside)
        return True

    def outcomes(self) -> Iterator[OpenedFile | OpenedStack | Refusal]:
        """Of each series in order, the files chosen, whole again, and the others with the reason; or the stack of it."""
        for slices in self._series.values():
            slices.sort(key=lambda aside: aside.order)
            yield from self._stacked(slices) if self.choice == STACK else self._chosen(slices)

    def _stacked(self, slices: Sequence[SliceAside]) -> Iterator[OpenedStack | Refusal]:
        facts = [aside.facts for aside in slices]
        own = middle_of(len(slices)) - 1
        middle = self._prepared(slices[own], notes_of(facts) if len(slices) > 1 else [])
        middle = replace(
            middle, decoded=replace(middle.decoded, tags=middle.decoded.tags | distance_of(facts))
        )
        if reason := why_no_stack(facts) or why_even(middle):
            yield from (Refusal(aside.facts.name, reason) for aside in slices)
            return

        def others() -> Iterator[SliceFile]:
            for place, aside in enumerate(slices):
                if place != own:
                    image = self._prepared(aside, [])
                    yield SliceFile(
                        place + 1, image.png, image.pixel_sha256, aside.file.sha256, image.decoded.values
                    )

        yield OpenedStack(replace(slices[own].file, images=[middle]), len(slices), others)

    def _chosen(self, slices: Sequence[SliceAside]) -> Iterator[OpenedFile | Refusal]:
        number = len(slices)
        try:
            places = set(chosen_places(self.choice, number, _share_of(slices))) if number > 1 else {0}
        except RefusedImageError as error:
            yield from (Refusal(aside.file.source.name, str(error)) for aside in slices)
            return
        for place, aside in enumerate(slices):
            where = f"Slice {place + 1} of {number} of its series"
            if place not in places:
                yield Unchosen(aside.file.source.name, f"{where}, not chosen by {self.choice}.")
                continue
            note = [Note("frames", f"{where}.")] if len(places) < number else []
            yield replace(aside.file, images=[self._prepared(aside, note)])

    def _prepared(self, aside: SliceAside, notes: list[Note]) -> Prepared:
        self._spool.seek(aside.place)
        png = self._spool.read(aside.png_bytes)
        values = self._spool.read(aside.value_bytes)
        [bare] = aside.file.images
        decoded = bare.decoded
        return replace(
            bare,
            png=png,
            decoded=replace(decoded, pixels=decode_png(png), values=values, notes=[*decoded.notes, *notes]),
        )


def _share_of(slices: Sequence[SliceAside]) -> Callable[[int], float] | None:
    """The share of lung by place; None where not every slice tells."""
    shares = [aside.file.images[0].decoded.lung_share for aside in slices]
    return None if None in shares else lambda place: shares[place] or 0.0
