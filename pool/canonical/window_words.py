"""A window as an image's provenance has it, such as “-600/1500 (lung)”, and from where to where it shows; plain."""

from __future__ import annotations

import math
import re

# What stands behind the words where grey levels are not DICOM's LINEAR function of the values.
OTHER_FUNCTIONS = ("LINEAR_EXACT", "SIGMOID")
INVERSE = "inverse"

NUMBER = r"\d+(?:\.\d*)?(?:e[+-]?\d+)?"
WORDS = re.compile(rf"(-?{NUMBER})/({NUMBER})(?: \(.*\))?", re.IGNORECASE)


def window_range(words: str) -> tuple[float, float] | None:
    """The values that are shown as black and as white by DICOM's LINEAR function (PS3.3 C.11.2.1.2).

    None for no window, for one that shows nothing, and where the words say that it was another function.
    """
    match = WORDS.fullmatch(words)
    if match is None:
        return None
    centre, width = (float(part) for part in match.groups())
    if width < 2:
        low, high = centre - width / 2, centre + width / 2
    else:
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    return (low, high) if low < high and math.isfinite(high - low) else None


def is_by_another_function(words: str) -> bool:
    """Whether the words say that black to white is not the LINEAR function of low to high."""
    return words.endswith(tuple(f", {mark}" for mark in (*OTHER_FUNCTIONS, INVERSE)))
