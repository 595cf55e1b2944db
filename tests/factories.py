"""Small real things to test with: each function makes one, with few words; add yours below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from accounts.membership.models import Part
from pool.canonical.pixels import Pixels, bits_of, encode_png, perceptual_hash, pixel_sha256
from pool.imports.store import add_image
from pool.models import Dataset, HeldFile, Image, Modality, Origin
from pool.release.desk import hold
from pool.storage.insertion import insert_stack
from pool.storage.slices import SliceFile

_numbers = count(1)


def make_dataset(name: str = "", *, origin: str = Origin.REAL, modality: str = Modality.XRAY) -> Dataset:
    dataset = Dataset.objects.create(
        name=name or f"Dataset {next(_numbers)}", origin=origin, modality=modality
    )
    dataset.share_with(None, Part.OWNER)  # every researcher's; tests of memberships say otherwise
    return dataset


def make_image(dataset: Dataset | None = None, *, pixels: Pixels | None = None, **fields: Any) -> Image:
    """An image with a real small PNG in storage; `fields` are those of `add_image`."""
    return add_image(dataset or make_dataset(), make_pixels() if pixels is None else pixels, **fields)


def make_stack(dataset: Dataset, slices: Sequence[Pixels], **fields: Any) -> Image:
    """An image that is a stack of these slices; `fields` are columns."""
    own = len(slices) // 2
    middle = slices[own]
    image = Image(
        dataset=dataset,
        origin=dataset.origin,
        modality=dataset.modality,
        pixel_sha256=pixel_sha256(middle),
        perceptual_hash=perceptual_hash(middle),
        height=middle.shape[0],
        width=middle.shape[1],
        bits=bits_of(middle),
        slices=len(slices),
        **fields,
    )
    others = [
        SliceFile(place + 1, encode_png(pixels), pixel_sha256(pixels))
        for place, pixels in enumerate(slices)
        if place != own
    ]
    insert_stack(image, encode_png(middle), others)
    return image


def make_held_file(
    dataset: Dataset | None = None, *, pixels: Pixels | None = None, **fields: Any
) -> HeldFile:
    """A file on the release desk with real small pixels in storage."""
    pixels = make_pixels() if pixels is None else pixels
    row = HeldFile(
        dataset=dataset or make_dataset(),
        source_name=f"held {next(_numbers)}.dcm",
        hold_reason="The DICOM file says that text is burned into the image.",
        pixel_sha256=pixel_sha256(pixels),
        width=pixels.shape[1],
        height=pixels.shape[0],
    )
    for name, value in fields.items():
        setattr(row, name, value)
    hold(row, encode_png(pixels))
    return row


def make_pixels(*, side: int = 32, bits: int = 8, seed: int | None = None) -> Pixels:
    """Noise no other call makes, unless a seed asks for the same again."""
    noise = np.random.default_rng([next(_numbers), 1] if seed is None else [seed])
    if bits == 8:
        return noise.integers(0, 2**8, (side, side), dtype=np.uint8)
    return noise.integers(0, 2**16, (side, side), dtype=np.uint16)
