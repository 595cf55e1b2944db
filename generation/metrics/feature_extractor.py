"""What turns images into rows of numbers, and what every such network shares.

Distances of two extractors never compare, so every extractor carries its name, its file's hash and its dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.metrics.checkpoint_metrics import ExtractorJSON
from pool.canonical.pixels import Pixels, fitted_square

BATCH = 32


class ExtractorError(Exception):
    """The extractor cannot be used; the message says which and why."""


def no_heartbeat() -> None:
    pass


class Extractor(Protocol):
    """What turns images into rows of numbers."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def recipe_sha256(self) -> str:
        """What decides the numbers beside the weights; empty where nothing does."""
        ...

    @property
    def dimensions(self) -> int: ...

    def features(
        self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = no_heartbeat
    ) -> NDArray[np.float32]:
        """(n, dimensions), one row an image; `heartbeat` is called between batches."""
        ...


def described(network: Extractor) -> ExtractorJSON:
    """What stands beside every number: which extractor gave it."""
    facts: ExtractorJSON = {
        "name": network.name,
        "sha256": network.sha256,
        "dimensions": network.dimensions,
    }
    if network.recipe_sha256:
        facts["recipe_sha256"] = network.recipe_sha256
    return facts


def identity(network: Extractor) -> str:
    """One hash for equal features: of the weights, and of the recipe where there is one."""
    if not network.recipe_sha256:
        return network.sha256
    return hashlib.sha256(f"{network.sha256} {network.recipe_sha256}".encode()).hexdigest()


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def batches(
    images: Iterable[Pixels], side: int, *, colour: bool, shrink: Image.Resampling = Image.Resampling.BICUBIC
) -> Iterator[NDArray[np.uint8]]:
    """The images as an extractor takes them, by its own recipe: its side, its channels, the filter that shrinks."""
    batch: list[NDArray[np.uint8]] = []
    for image in images:
        square = fitted_square(image, side=min(image.shape[:2]), colour=colour)
        filter_ = shrink if len(square) >= side else Image.Resampling.BICUBIC
        batch.append(np.array(Image.fromarray(square).resize((side, side), filter_), dtype=np.uint8))
        if len(batch) == BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def gathered(rows: list[NDArray[np.float32]], dimensions: int) -> NDArray[np.float32]:
    return np.concatenate(rows) if rows else np.empty((0, dimensions), dtype=np.float32)
