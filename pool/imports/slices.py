"""Which images of a file that holds many are taken: the middle one, every n-th, or those that show lung."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from pool.canonical.pixels import RefusedImageError

EVERY = re.compile(r"every:([1-9]\d{0,3})")
LUNG_VALUES = (-950.0, -500.0)  # Hounsfield units of air-filled lung
LEAST_LUNG = 0.06  # of the slice
MOST_SLICES = 500


def is_choice(text: str) -> bool:
    """Whether a text is a choice of slices: empty, middle, lung or every:N."""
    return text in {"", "middle", "lung"} or EVERY.fullmatch(text) is not None


def selected_places(
    choice: str, number: int, values_of: Callable[[int], npt.NDArray[Any]], *, is_hounsfield: bool
) -> list[int]:
    """The places of the images to take. Raises RefusedImageError where nothing was chosen, or nothing fits."""
    if number == 1:
        return [0]
    if not choice:
        raise RefusedImageError(
            f"The file holds more than one frame or slice ({number}); choose which to take: middle, every:N or lung."
        )
    if choice == "middle":
        return [number // 2]
    if every := EVERY.fullmatch(choice):
        step = int(every[1])
        places = list(range(min(step // 2, number - 1), number, step))
    else:
        if not is_hounsfield:
            raise RefusedImageError(
                "Only slices of a CT in Hounsfield units can be chosen by lung; choose middle or every:N."
            )
        places = [place for place in range(number) if _share_of_lung(values_of(place)) >= LEAST_LUNG]
    if not places:
        raise RefusedImageError("No slice of the file shows lung.")
    if len(places) > MOST_SLICES:
        raise RefusedImageError(f"{len(places)} slices were chosen; {MOST_SLICES} of a file are allowed.")
    return places


def _share_of_lung(values: npt.NDArray[Any]) -> float:
    low, high = LUNG_VALUES
    return float(((values >= low) & (values <= high)).mean())
