"""The images of a MedMNIST file: arrays of them and of their classes, read one at a time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from pool.imports.archives import members as limits
from pool.imports.archives.members import Member, Refusal, UnreadableError

PARTS = ("train", "val", "test")
MAX_SIDE = 1024
IMAGES = "_images.npy"


def npz_members(path: Path, title: str) -> Iterator[Member | Refusal]:
    """Images named train/3/00001.png: the part, the class, the number in the array."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        yield Refusal(title, f"The npz cannot be opened: {error}.")
        return
    with archive:
        names = set(archive.namelist())
        if not any(f"{part}{IMAGES}" in names for part in PARTS):
            yield Refusal(
                title, "The npz holds no arrays train_images, val_images or test_images, as MedMNIST does."
            )
            return
        for part in PARTS:
            if f"{part}{IMAGES}" in names:
                try:
                    yield from _part(archive, part, names)
                except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
                    yield Refusal(f"{title}/{part}", f"The npz is damaged: {error}.")


def _part(archive: zipfile.ZipFile, part: str, names: set[str]) -> Iterator[Member]:
    labels = _labels(archive, f"{part}_labels.npy") if f"{part}_labels.npy" in names else []
    with archive.open(f"{part}{IMAGES}") as stream:
        shape, kind = _head(stream)
        if (
            len(shape) not in {3, 4}
            or kind != np.uint8
            or max(shape[1:3]) > MAX_SIDE
            or (len(shape) == 4 and shape[3] != 3)
        ):
            raise ValueError(f"{part}_images is no array of images of eight bits")
        if reason := limits.too_much("npz", 0, int(np.prod(shape, dtype=np.int64)), 2**62):
            raise ValueError(reason)
        size = int(np.prod(shape[1:], dtype=np.int64))
        for number in range(shape[0]):
            data = stream.read(size)
            if len(data) != size:
                raise ValueError(f"{part}_images ends early")
            label = labels[number] if number < len(labels) else "unlabelled"
            yield Member(f"{part}/{label}/{number + 1:05}.png", partial(_png, data, shape[1:]))


def _head(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, kind = read(stream)
    if is_fortran or kind.hasobject:
        raise ValueError("its arrays are not of plain numbers in C order")
    return tuple(shape), kind


def _labels(archive: zipfile.ZipFile, name: str) -> list[str]:
    info = archive.getinfo(name)
    if info.file_size > limits.MAX_MEMBERS * 2**10:
        raise ValueError(f"{name} is too large")
    classes = np.load(io.BytesIO(archive.read(info)), allow_pickle=False)
    rows = classes.reshape(len(classes), -1)
    if rows.shape[1] == 1:
        return [str(value) for value in rows[:, 0]]
    return ["|".join(str(place) for place in np.nonzero(row)[0]) or "none" for row in rows]


def _png(data: bytes, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    try:
        Image.fromarray(np.frombuffer(data, dtype=np.uint8).reshape(shape)).save(
            buffer, format="PNG", compress_level=1
        )
    except (ValueError, TypeError) as error:
        raise UnreadableError("The npz holds no image here.") from error
    return buffer.getvalue()
