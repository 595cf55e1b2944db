"""Where a rater marked an image: points and boxes, as shares of its sides, kept in the view state of each save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from rating.studies.study import Study

MARKS = "marks"
MOST_MARKS = 20
PLACES = 4  # after the point: finer than a pixel of the largest canvas
SIDES = ("x", "y", "w", "h")


class Mark(TypedDict):
    """Left and upper edge, width and height, 0 to 1; a point is 0 wide and high. Of a stack the slice's number."""

    x: float
    y: float
    w: float
    h: float
    slice: NotRequired[int]


def clean_marks(view_state: dict[str, object], study: Study) -> dict[str, object]:
    """The view state with the marks that are some, where the study lets raters mark; nonsense must not cost the answer."""
    sent = view_state.pop(MARKS, None)
    if study.lets_mark and isinstance(sent, list):
        marks = [mark for entry in sent[:MOST_MARKS] if (mark := _mark(entry, study.slices)) is not None]
        if marks:
            view_state[MARKS] = marks
    return view_state


def _mark(entry: object, slices: int) -> Mark | None:
    if not isinstance(entry, Mapping):
        return None
    values = [entry.get(side) for side in SIDES]
    if not all(
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 for value in values
    ):
        return None
    x, y, w, h = (round(float(value), PLACES) for value in values if isinstance(value, int | float))
    mark: Mark = {"x": x, "y": y, "w": min(w, round(1 - x, PLACES)), "h": min(h, round(1 - y, PLACES))}
    if slices > 1:
        number = entry.get("slice")
        if not isinstance(number, int) or not 1 <= number <= slices:
            return None
        mark["slice"] = number
    return mark


def marks_of(view_state: Mapping[str, object]) -> list[Mark]:
    """The marks of a save; none where the rater marked nothing."""
    marks = view_state.get(MARKS)
    return list(marks) if isinstance(marks, list) else []


def in_words(mark: Mark) -> str:
    """As “x y w h”, with “@slice” behind it in a stack."""
    sides = " ".join(f"{side:g}" for side in (mark["x"], mark["y"], mark["w"], mark["h"]))
    return f"{sides} @{mark['slice']}" if "slice" in mark else sides
