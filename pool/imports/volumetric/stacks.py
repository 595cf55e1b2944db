"""Slices that make one image: a stack, whose middle slice stands for it wherever one image is shown or compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath
from statistics import median

from pool.imports.archives import Refusal
from pool.imports.notes import Note
from pool.imports.pipeline import OpenedFile, Prepared
from pool.imports.volumetric.series import CODE, SAME_PLACE, gaps
from pool.imports.volumetric.slices import MOST_SLICES
from pool.storage.slices import SliceFile, middle_of

NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class SliceFacts:
    """What is compared of the slices of a stack before they become one."""

    name: str
    size: tuple[tuple[int, ...], str]
    label: str
    patient: str
    position: float | None = None


@dataclass(frozen=True)
class OpenedStack:
    """The file of the middle slice with that one image, how many slices there are, and the others as they are stored."""

    file: OpenedFile
    slices: int
    others: Callable[[], Iterator[SliceFile]]


def folder_of(name: str) -> str:
    return str(PurePosixPath(name).parent)


def in_counting_order(name: str) -> list[tuple[int, str]]:
    """A key by which 2.png comes before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in NUMBER.split(name) if part]


def why_no_stack(slices: Sequence[SliceFacts]) -> str:
    """Why these make no stack, in a sentence; empty where they do."""
    if len(slices) > MOST_SLICES:
        return f"The stack has {len(slices)} slices; {MOST_SLICES} are allowed."
    for what, values in (
        ("sizes or depths", {facts.size for facts in slices}),
        ("findings", {facts.label for facts in slices}),
        ("patients", {facts.patient for facts in slices}),
    ):
        if len(values) > 1:
            return f"Slices of different {what} make no stack ({len(slices)} lie together here)."
    return ""


def notes_of(slices: Sequence[SliceFacts]) -> list[Note]:
    """What is to be known of the stack: what it is made of, and where slices are missing."""
    first, last = slices[0].name, slices[-1].name
    span = f", from “{first}” to “{last}”" if first != last else ""
    notes = [Note("frames", f"A stack of {len(slices)} slices{span}; the middle one stands for it.")]
    positions = [facts.position for facts in slices if facts.position is not None]
    if len(positions) == len(slices):
        notes += [Note(CODE, f"Slice {gap.after + 1}: {gap.note.text}") for gap in gaps(positions)]
    return notes


def distance_of(slices: Sequence[SliceFacts]) -> dict[str, str]:
    """How far its slices lie apart, in mm, as a tag; none where their files do not all say where they lie."""
    positions = [facts.position for facts in slices if facts.position is not None]
    if len(positions) < len(slices) or len(positions) < 2:
        return {}
    distance = median(after - before for before, after in pairwise(positions))
    return {"SliceDistance": f"{distance:.4g}"} if distance > SAME_PLACE else {}


def stack_of_file(file: OpenedFile) -> OpenedStack | Refusal:
    """All frames or slices of one file as a stack."""
    images = file.images
    facts = [
        SliceFacts(file.source.name, (image.decoded.pixels.shape, image.decoded.pixels.dtype.name), "", "")
        for image in images
    ]
    own = middle_of(len(images)) - 1
    middle = images[own]
    if reason := why_no_stack(facts) or _why_held(images) or why_even(middle):
        return Refusal(file.source.name, reason, file.sha256)

    def others() -> Iterator[SliceFile]:
        for place, image in enumerate(images):
            if place != own:
                yield SliceFile(place + 1, image.png, image.pixel_sha256, "", image.decoded.values)

    decoded = replace(middle.decoded, part="", notes=[*middle.decoded.notes, *notes_of(facts)])
    cover = replace(middle, decoded=decoded)
    return OpenedStack(replace(file, images=[cover]), len(images), others)


def why_even(middle: Prepared) -> str:
    """Why a stack cannot stand by this middle slice; empty where it can."""
    pixels = middle.decoded.pixels
    return "The middle slice of the stack is of one even grey level." if pixels.min() == pixels.max() else ""


def _why_held(images: Sequence[Prepared]) -> str:
    reason = next((image.decoded.hold_reason for image in images if image.decoded.hold_reason), "")
    return f"A stack cannot be held for release; import its slices one by one ({reason})" if reason else ""
