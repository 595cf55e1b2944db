"""Letters burned into an image: side markers, names, a generator's garbled text.

Found as small, bright, sharply bounded strokes that stand out from their surroundings near the margin;
bones are neither so thin nor so sharply bounded. A help for a person's eye, not a reader of text.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from pool.canonical.pixels import Pixels, fitted_square

SIDE = 512
STROKE = 13  # wider than any stroke of a letter at this side
LEAST_CONTRAST = 90  # grey levels above the surroundings
HEIGHTS = (7, 48)
FILLED = (0.12, 0.85)
MARGIN = 0.22
FEWEST_LETTERS = 1
CORNER = 0.18  # of the side


def has_letters(pixels: Pixels) -> bool:
    """Whether something like letters stands near the margin of the image's middle square."""
    return letters_in(pixels) >= FEWEST_LETTERS


def letters_in(pixels: Pixels) -> int:
    """How many marks near the margin look like letters."""
    values = fitted_square(pixels, side=SIDE).astype(np.int16)
    strokes = values - opened(values)
    marks, _ = ndimage.label(strokes > LEAST_CONTRAST, structure=np.ones((3, 3)))
    return sum(
        _is_letter(marks[box] == number, box, values)
        for number, box in enumerate(ndimage.find_objects(marks), start=1)
    )


def opened(values: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """The image's grey opening by a square of STROKE: `scipy.ndimage.grey_opening` to the value, in a tenth of its time."""
    return _over_squares(_over_squares(values, np.minimum), np.maximum)


def _over_squares(values: npt.NDArray[np.int16], extreme: np.ufunc) -> npt.NDArray[np.int16]:
    """The least or the greatest value in the square about each pixel, mirrored beyond the edges: rows first, then columns."""
    for _ in range(values.ndim):
        padded = np.pad(values, ((STROKE // 2,) * 2, (0, 0)), mode="symmetric")
        width = 1
        while 2 * width <= STROKE:  # windows of twice the height each time, and two that overlap at the end
            padded = extreme(padded[:-width], padded[width:])
            width *= 2
        rest = STROKE - width
        values = (extreme(padded[:-rest], padded[rest:]) if rest else padded).T
    return values


def _is_letter(mark: npt.NDArray[np.bool_], box: tuple[slice, ...], values: npt.NDArray[np.int16]) -> bool:
    height, width = mark.shape
    if not HEIGHTS[0] <= height <= HEIGHTS[1] or not 3 <= width <= 1.6 * height:
        return False
    if not FILLED[0] <= mark.mean() <= FILLED[1]:
        return False
    middle = [(part.start + part.stop) / 2 / SIDE for part in box]
    if all(MARGIN < place < 1 - MARGIN for place in middle):
        return False
    surroundings = tuple(slice(max(0, part.start - 3), part.stop + 3) for part in box)
    ground = np.percentile(values[surroundings], 20)
    bright = np.median(values[box][mark])
    return bool(bright >= 150 and bright - ground >= LEAST_CONTRAST and _is_even(values[box][mark]))


def _is_even(stroke: npt.NDArray[np.int16]) -> bool:
    """Letters are drawn in one grey; bones and vessels are not."""
    low, high = np.percentile(stroke, [25, 75])
    return bool(high - low <= 60)


def masked(pixels: Pixels) -> Pixels:
    """The image with its four corners black: the same squares on every image of both arms."""
    side = round(min(pixels.shape[:2]) * CORNER)
    out = pixels.copy()
    for rows in (slice(None, side), slice(-side, None)):
        for columns in (slice(None, side), slice(-side, None)):
            out[rows, columns] = 0
    return out
