"""Sets of a forced choice: which images stand together, by letter, and which of them is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from rating.studies.images import LETTERS
from rating.studies.study import Study


def origins_of_sets(study: Study) -> dict[int, list[str]]:
    """By the key of the image that a set goes by: the origins of its images, by code."""
    origins: dict[int, list[str]] = {}
    rows = study.images.order_by("code").values_list("pk", "beside", "image__origin")
    for pk, first, origin in rows:
        origins.setdefault(first or pk, []).append(origin)
    return origins


def members_of_sets(study: Study) -> dict[str, list[str]]:
    """By the code that a set goes by: the codes of its images, by letter."""
    members: dict[str, list[str]] = {}
    rows = study.images.order_by("code").values_list("code", "beside__code")
    for code, first in rows:
        members.setdefault(first or code, []).append(code)
    return members


def truth_of_set(study: Study, origins: Sequence[str]) -> str:
    """The letter of the image that was looked for, from the origins of a set's images by code."""
    return LETTERS[[truth_word(origin) for origin in origins].index(study.sought)]


def truth_word(origin: str) -> str:
    """An image's origin in the words of the labels."""
    return "real" if origin == "real" else "fake"
