"""Where a slice lies in its series: by its position in space, whatever its number or its file's name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from pool.imports.dicom.headers import numbers, text

COORDINATES, DIRECTIONS = 3, 6


@dataclass(frozen=True)
class SeriesPlace:
    """The series, by an identifier to be hashed at once, and millimetres along the normal of its slices."""

    identifier: str
    position: float


def series_place(dataset: Dataset) -> SeriesPlace | None:
    """None for an image of no series, or of one that says not where its slices lie."""
    uid = text(dataset, "SeriesInstanceUID")
    place, directions = numbers(dataset, "ImagePositionPatient"), numbers(dataset, "ImageOrientationPatient")
    if not uid:
        return None
    if place and directions and len(place) == COORDINATES and len(directions) == DIRECTIONS:
        normal = np.cross(directions[:COORDINATES], directions[COORDINATES:])
        # Slices that lie otherwise, such as a localizer's, are no neighbours of these.
        lie = ",".join(f"{round(value, 1) + 0.0:g}" for value in directions)
        position = float(np.dot(place, normal))
        return SeriesPlace(f"{uid} {lie}", position) if math.isfinite(position) else None
    location = numbers(dataset, "SliceLocation")
    return SeriesPlace(uid, location[0]) if location else None
