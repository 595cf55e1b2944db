"""Reading what a row names in the storage, where a file may be lost: that is an answer, and no fault of the code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from django.db.models.fields.files import FieldFile

from jobs.models import JobFailedError
from pool.canonical.pixels import Pixels, encode_png

GROUND, CROSS = 96, 160


class LostFileError(JobFailedError):
    """A row names a file that the storage does not have; a job that needs it ends with this sentence."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"The file of {owner} is lost: restore it from a backup, and try again.")


@contextmanager
def opened(file: FieldFile, owner: str) -> Iterator[IO[bytes]]:
    """The file for reading; `owner` is what a person knows it by. Raises LostFileError."""
    try:
        file.open("rb")
    except FileNotFoundError as error:
        raise LostFileError(owner) from error
    with file as content:
        yield content


def stored_bytes(file: FieldFile, owner: str) -> bytes:
    with opened(file, owner) as content:
        return content.read()


def placeholder(side: int) -> Pixels:
    """A grey square with a cross: what stands for an image whose file is lost. It says nothing else of the image."""
    pixels: Pixels = np.full((side, side), GROUND, dtype=np.uint8)
    across = np.arange(side)
    pixels[across, across] = CROSS
    pixels[across, side - 1 - across] = CROSS
    return pixels


def placeholder_png(side: int = 128) -> bytes:
    return encode_png(placeholder(side))
