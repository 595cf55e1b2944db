"""The display checks as CSV, a row a sitting that counts: what was seen, how large a pixel is, the light in the room."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from rating.reading.display_check import LEVELS, checks_of, pixel_mm
from rating.studies.study import Study

COLUMNS = {
    "rater": "pseudonym, as in ratings.csv",
    "session": "number of the sitting, 1 first",
    "window_width": "width of the browser's window, in CSS pixels",
    "window_height": "and its height",
    "pixel_ratio": "pixels of the screen to one CSS pixel",
    "squares_seen": "grey squares in which all corners were seen",
    "squares": "of how many; both empty if not told",
    "levels_not_seen": "grey levels, 0 to 255, of the others, separated by spaces",
    "pixel_mm": "side of a pixel of the screen in millimetres; empty where no card was held to the screen",
    "image_mm": "side of the study's images on that screen in millimetres, at one to one",
    "room": "the light in the room: dim, office, bright or dark",
}


def display_lines(study: Study) -> Iterator[str]:
    """Lengths in millimetres, empty where no card was held to the screen; levels of 0 to 255, those not seen by spaces."""
    yield _line(COLUMNS)
    for sitting in checks_of(study):
        display = sitting.display
        if not display:
            continue
        levels, side = display.get("levels"), pixel_mm(display)
        squares = ("", "", "")
        if levels is not None:
            unseen = " ".join(str(level) for level in LEVELS if level not in levels)
            squares = (str(len(levels)), str(len(LEVELS)), unseen)
        yield _line(
            [
                *(sitting.enrolment.pseudonym, sitting.session),
                *(display.get(name, "") for name in ("width", "height", "pixel_ratio")),
                *squares,
                *(("", "") if side is None else (f"{side:.4f}", f"{side * study.canvas:.1f}")),
                display.get("room", ""),
            ]
        )


def _line(cells: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
