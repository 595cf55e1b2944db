"""Where raters marked images: counted by cell of a grid, each rater once a cell of an image, over images and generators."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GRID = 16  # cells across and down
REAL = "real images"

Cells = tuple[tuple[int, ...], ...]
Box = tuple[float, float, float, float]
"""Left and upper edge, width and height in shares of the image's sides; 0 wide and high: a point."""


@dataclass(frozen=True, slots=True)
class MarkedImage:
    """cells: by row and column, how many raters marked there."""

    image: str
    truth: str
    generator: str
    raters: int
    marking: int
    marks: int
    cells: Cells


@dataclass(frozen=True, slots=True)
class MarkedGroup:
    """All images of one generator, or all real ones; cells are sums over them."""

    name: str
    images: int
    ratings: int
    marking: int
    marks: int
    cells: Cells


@dataclass(frozen=True, slots=True)
class MarkResults:
    images: tuple[MarkedImage, ...]
    groups: tuple[MarkedGroup, ...]


def mark_results(
    boxes: Mapping[tuple[str, str], Sequence[Box]],
    images: Sequence[str],
    truth: Sequence[str],
    generator: Sequence[str],
) -> MarkResults:
    """boxes: by rater and image, for every rating there is, also one without any. truth and generator by image.

    Without the truth there are no groups.
    """
    by_image: dict[str, list[Sequence[Box]]] = {image: [] for image in images}
    for (_, image), of_rater in boxes.items():
        if image in by_image:
            by_image[image].append(of_rater)
    marked = tuple(
        _image(image, of_truth, of_generator, by_image[image])
        for image, of_truth, of_generator in zip(images, truth, generator, strict=True)
    )
    names = dict.fromkeys(name for each in marked if (name := _group_name(each)))
    ordered = sorted(names, key=lambda name: (name != REAL, name))
    return MarkResults(
        marked,
        tuple(_group(name, [each for each in marked if _group_name(each) == name]) for name in ordered),
    )


def cells_of(boxes: Sequence[Box]) -> set[tuple[int, int]]:
    """(row, column) of each cell that any of these touches."""
    touched: set[tuple[int, int]] = set()
    for x, y, w, h in boxes:
        touched |= {(row, column) for row in _span(y, h) for column in _span(x, w)}
    return touched


def _span(start: float, length: float) -> range:
    first = min(math.floor(start * GRID), GRID - 1)
    return range(first, max(first + 1, min(math.ceil((start + length) * GRID), GRID)))


def _image(image: str, truth: str, generator: str, ratings: Sequence[Sequence[Box]]) -> MarkedImage:
    counts = [[0] * GRID for _ in range(GRID)]
    for boxes in ratings:
        for row, column in cells_of(boxes):
            counts[row][column] += 1
    return MarkedImage(
        image,
        truth,
        generator,
        len(ratings),
        sum(bool(boxes) for boxes in ratings),
        sum(map(len, ratings)),
        tuple(map(tuple, counts)),
    )


def _group_name(image: MarkedImage) -> str:
    return REAL if image.truth == "real" else image.generator


def _group(name: str, images: Sequence[MarkedImage]) -> MarkedGroup:
    sums = tuple(
        tuple(sum(image.cells[row][column] for image in images) for column in range(GRID))
        for row in range(GRID)
    )
    return MarkedGroup(
        name,
        len(images),
        sum(image.raters for image in images),
        sum(image.marking for image in images),
        sum(image.marks for image in images),
        sums,
    )
