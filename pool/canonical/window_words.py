"""A window as an image's provenance has it, such as “-600/1500 (lung)”, and from where to where it shows; plain."""

from __future__ import annotations

import re

WORDS = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)/([\d.]+(?:e[+-]?\d+)?)(?: \(.*\))?", re.IGNORECASE)


def window_range(words: str) -> tuple[float, float] | None:
    """The values that are shown as black and as white by DICOM's LINEAR function (PS3.3 C.11.2.1.2); None for no window."""
    match = WORDS.fullmatch(words)
    if match is None:
        return None
    centre, width = (float(part) for part in match.groups())
    if width < 2:
        return centre - width / 2, centre + width / 2
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
