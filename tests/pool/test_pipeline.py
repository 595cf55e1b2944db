"""Files are opened side by side, come out in order, and never more than a few wait."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from pool.canonical.pixels import decode_png
from pool.imports.archives import Refusal, Source, UnreadableError
from pool.imports.decoding import Hints
from pool.imports.labels import Facts
from pool.imports.pipeline import OpenedFile, Pipeline
from tests.factories import make_pixels
from tests.pool.files import image_bytes


def source(name: str, seed: int) -> Source:
    return Source(name, Facts(), lambda: image_bytes(seed=seed))


def test_files_come_out_in_the_order_they_went_in() -> None:
    items = [source(f"{number}.png", number) for number in range(12)]

    with Pipeline(Hints(), workers=3) as pipeline:
        names = [opened.source.name for opened in pipeline.open_all(items) if isinstance(opened, OpenedFile)]

    assert names == [f"{number}.png" for number in range(12)]


def test_no_more_files_are_read_ahead_than_there_are_workers_and_two() -> None:
    read = 0

    def items() -> Iterator[Source]:
        nonlocal read
        for number in range(30):
            read += 1
            yield source(f"{number}.png", number)

    ahead = []
    with Pipeline(Hints(), workers=2) as pipeline:
        for number, _ in enumerate(pipeline.open_all(items()), start=1):
            ahead.append(read - number)

    assert max(ahead) <= 2 + 1


def test_what_cannot_be_read_or_decoded_takes_its_place_in_the_order() -> None:
    def unreadable() -> bytes:
        raise UnreadableError("It cannot be.")

    items: list[Source | Refusal | None] = [
        source("a.png", 1),
        Refusal("b.png", "No."),
        Source("c.png", Facts(), unreadable),
        Source("d.png", Facts(), lambda: b"text"),
        None,
    ]

    with Pipeline(Hints(), workers=2) as pipeline:
        a, b, c, d, nothing = pipeline.open_all(items)

    assert isinstance(a, OpenedFile)
    assert len(a.images) == 1
    assert b == Refusal("b.png", "No.")
    assert c == Refusal("c.png", "It cannot be.")
    assert isinstance(d, OpenedFile)
    assert d.refusal is not None
    assert nothing is None


def test_what_is_stored_is_encoded_fast_and_is_the_very_image() -> None:
    pixels = make_pixels(side=64, bits=16)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")

    with Pipeline(Hints(), workers=1) as pipeline:
        [opened] = pipeline.open_all([Source("a.png", Facts(), file.getvalue)])

    assert isinstance(opened, OpenedFile)
    png = opened.images[0].png
    assert np.array_equal(decode_png(png), pixels)
    # RFC 1950: the second byte of a zlib stream tells in its two highest bits how hard was tried; 1 is fast.
    stream = png.index(b"IDAT") + 4
    assert png[stream + 1] >> 6 == 1
