"""Which images are taken of a file or a series that holds many: the middle one, every n-th, all, those that show lung, or all as one stack."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from pool.canonical.pixels import RefusedImageError

EVERY = re.compile(r"every:([1-9]\d{0,3})")
MIDDLE, ALL, LUNG = "middle", "all", "lung"
STACK = "stack"  # one image of all of them
CHOICE_SENTENCE = "Slices are middle, every:N, all, lung or stack."
LUNG_VALUES = (-950.0, -500.0)  # Hounsfield units of air-filled lung
LEAST_LUNG = 0.06  # of the slice
MOST_SLICES = 500


def is_choice(text: str) -> bool:
    """Whether a text is a choice of slices: empty, middle, all, lung, stack or every:N."""
    return text in {"", MIDDLE, ALL, LUNG, STACK} or EVERY.fullmatch(text) is not None


def selected_places(
    choice: str, number: int, values_of: Callable[[int], npt.NDArray[Any]], *, is_hounsfield: bool
) -> list[int]:
    """The places of the images to take of a file. Raises RefusedImageError where nothing was chosen, or nothing fits."""
    if number == 1:
        return [0]
    if not choice:
        raise RefusedImageError(
            f"The file holds more than one frame or slice ({number}); choose which to take: middle, every:N, all or lung, or stack to keep them together."
        )
    share_of = (lambda place: share_of_lung(values_of(place))) if is_hounsfield else None
    return chosen_places(choice, number, share_of)


def chosen_places(choice: str, number: int, share_of: Callable[[int], float] | None) -> list[int]:
    """The places of the slices to take of so many in order. Raises RefusedImageError where none fits.

    `share_of` gives the share of lung of the slice at a place; None where the values are no Hounsfield units.
    """
    if choice == MIDDLE:
        return [number // 2]
    if choice == LUNG:
        if share_of is None:
            raise RefusedImageError(
                "Only slices of a CT in Hounsfield units can be chosen by lung; choose middle, every:N or all."
            )
        places = [place for place in range(number) if share_of(place) >= LEAST_LUNG]
    else:
        every = EVERY.fullmatch(choice)
        step = int(every[1]) if every else 1
        places = list(range(min(step // 2, number - 1), number, step))
    if not places:
        raise RefusedImageError("No slice shows lung.")
    if len(places) > MOST_SLICES:
        raise RefusedImageError(f"{len(places)} slices were chosen; {MOST_SLICES} are allowed at once.")
    return places


def share_of_lung(values: npt.NDArray[Any]) -> float:
    """Of values in Hounsfield units, the share that is air-filled lung."""
    low, high = LUNG_VALUES
    return float(((values >= low) & (values <= high)).mean())
