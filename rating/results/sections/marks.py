"""Where did raters mark the images? All of it is shown once the truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pool.figure_style import panel
from rating.results.exhibit import Cell, Exhibit, Table
from rating.results.study_results import StudyResults
from rating.statistics.marks import GRID, Cells, MarkedGroup, MarkedImage, MarkResults

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

MOST_DRAWN = 12
ACROSS = 4
INCHES = 2.2
COUNTED = f"The image is divided into {GRID} × {GRID} cells; each rater counts once in each cell of an image that a mark of theirs touches."


def lets_mark(results: StudyResults) -> bool:
    """Of studies whose raters may mark places."""
    return results.marks is not None


def _marks(results: StudyResults) -> MarkResults:
    if results.marks is None:
        raise ValueError("This study lets nobody mark.")
    return results.marks


def no_marks(results: StudyResults) -> str | None:
    return None if any(image.marks for image in _marks(results).images) else "Nobody has marked anything."


def by_generator(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(group.name, group.images, group.ratings, group.marking),
            group.marking / group.ratings if group.ratings else None,
            *(group.marks, *_hottest(group.cells)),
        ]
        for group in _marks(results).groups
    ]
    heads = ("Generator", "Images", "Ratings", "With a mark", "Share", "Marks", *PLACE)
    return Table(heads, rows, [COUNTED])


def by_image(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(each.image, each.truth, each.generator, each.raters, each.marking, each.marks),
            *_hottest(each.cells),
        ]
        for each in _marked(results)
    ]
    return Table(("Image", "Truth", "Generator", "Raters", "Marked it", "Marks", *PLACE), rows, [COUNTED])


PLACE = ("Most marked: across", "down", "by")


def _hottest(cells: Cells) -> list[Cell]:
    """The middle of the cell most marked, in shares of the sides, and how often it was; the first of several."""
    most = max(map(max, cells))
    if not most:
        return [None, None, 0]
    row = next(place for place, counts in enumerate(cells) if most in counts)
    return [(cells[row].index(most) + 0.5) / GRID, (row + 0.5) / GRID, most]


def _marked(results: StudyResults) -> list[MarkedImage]:
    """Images with a mark, those that most raters marked first."""
    marked = [image for image in _marks(results).images if image.marks]
    return sorted(marked, key=lambda image: (-image.marking, -image.marks, image.image))


def draw_groups(results: StudyResults, theme: Theme) -> Figure:
    groups: Sequence[MarkedGroup] = [group for group in _marks(results).groups if group.ratings][:MOST_DRAWN]
    return _maps(
        [(f"{group.name}\n{group.marking} of {group.ratings}", group.cells) for group in groups], theme
    )


def draw_images(results: StudyResults, theme: Theme) -> Figure:
    images = _marked(results)[:MOST_DRAWN]
    names = [f"{each.image} · {each.truth}\n{each.marking} of {each.raters}" for each in images]
    return _maps(list(zip(names, (each.cells for each in images), strict=True)), theme)


def _maps(maps: list[tuple[str, Cells]], theme: Theme) -> Figure:
    """Heat maps beside each other, each in the frame of the image and on a scale of its own that begins at 0."""
    lines = math.ceil(len(maps) / ACROSS)
    figure, row = panel(theme, height=max(INCHES * lines, INCHES), columns=ACROSS)
    for ax in row:
        ax.remove()
    grid = figure.subplots(lines, ACROSS, squeeze=False)
    for at, ax in enumerate(grid.flat):
        ax.set_axis_off()
        if at >= len(maps):
            continue
        name, cells = maps[at]
        ax.imshow(cells, cmap=theme.map, vmin=0, vmax=max(1, *map(max, cells)), extent=(0, 1, 1, 0))
        ax.set_title(name, fontsize=8, color=theme.ink)
    return figure


EXHIBITS = (
    Exhibit(
        "marks-by-generator",
        "Where each generator's images were marked",
        by_generator,
        draw_groups,
        needs_truth=True,
        missing=no_marks,
        words="All images of a generator over each other, real ones apart; above each map how many ratings came with a mark.",
        fits=lets_mark,
    ),
    Exhibit(
        "marks-by-image",
        "Where each image was marked",
        by_image,
        draw_images,
        needs_truth=True,
        missing=no_marks,
        words=f"The images that most raters marked, at most {MOST_DRAWN} of them drawn, each in its own frame; of a stack all slices over each other.",
        fits=lets_mark,
    ),
)
