"""What a table says of the person in an image, made so coarse that it may be stored: the sex, and ten years of age.

Ages from 90 on are one band, as the Safe Harbor rule of HIPAA (45 CFR 164.514(b)(2)(i)(C)) has it; no exact age is stored.
"""

from __future__ import annotations

import re

OLDEST_BAND, OLDEST = 90, 130  # years
SEXES = {
    **dict.fromkeys(("f", "female", "woman", "w", "weiblich"), "F"),
    **dict.fromkeys(("m", "male", "man", "männlich"), "M"),
    **dict.fromkeys(("o", "other", "d", "divers", "diverse", "intersex"), "O"),
}
AGE = re.compile(
    r"(\d{1,5})(?:\.\d+)?\s*([YMWD]?)", re.IGNORECASE
)  # a DICOM age string has the unit behind it
TO_A_YEAR = {"": 1, "Y": 1, "M": 12, "W": 52, "D": 365}


def sex_of(word: str) -> str:
    """F, M or O as DICOM has them; empty for any other word, also for numbers, which tables use either way."""
    return SEXES.get(word.strip().casefold(), "")


def age_band_of(word: str) -> str:
    """“60-69” for 61, 61.5 or 061Y, “90+” from 90 on; empty for what is no age."""
    match = AGE.fullmatch(word.strip())
    if match is None:
        return ""
    years = int(match[1]) // TO_A_YEAR[match[2].upper()]
    if years > OLDEST:
        return ""
    decade = years // 10 * 10
    return f"{OLDEST_BAND}+" if years >= OLDEST_BAND else f"{decade}-{decade + 9}"
