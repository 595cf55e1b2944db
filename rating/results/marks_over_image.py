"""Where raters marked one image, laid over the image: for whoever may know the truth."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from django.db.models import QuerySet

from rating.reading.marks import MARKS, marks_of
from rating.reading.rating import Rating
from rating.statistics.marks import GRID, cells_of
from rating.studies.images import StudyImage
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

MARKED = (255, 140, 0)  # orange over grey: told apart by eyes that take red for green
STRONGEST, FAINTEST = 0.7, 0.25  # how much of the colour where every rater marked, and where one of many did


def marked_images(study: Study, codes: Sequence[str]) -> set[str]:
    """Those of these images on which somebody marked a place in the first informed session."""
    marked = _readings(study).filter(presentation__study_image__code__in=codes, view_state__has_key=MARKS)
    return set(marked.values_list("presentation__study_image__code", flat=True))


def raters_marking(study_image: StudyImage) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], int]:
    """By row and column of the grid how many raters marked there in the first informed session, and how many read it."""
    states = (
        _readings(study_image.study)
        .filter(presentation__study_image=study_image)
        .values_list(f"view_state__{MARKS}", flat=True)
    )
    counts, raters = np.zeros((GRID, GRID), dtype=np.int64), 0
    for marks in states:
        raters += 1
        boxes = [(mark["x"], mark["y"], mark["w"], mark["h"]) for mark in marks_of({MARKS: marks})]
        for cell in cells_of(boxes):
            counts[cell] += 1
    return counts, raters


def _readings(study: Study) -> QuerySet[Rating]:
    sittings = Sitting.objects.counted().filter(enrolment__study=study, session=study.first_informed_session)
    return Rating.objects.filter(
        presentation__sitting__in=sittings, presentation__kind=Presentation.Kind.MAIN
    )


def marks_over_image(
    png: bytes, counts: np.ndarray[tuple[int, int], np.dtype[np.int64]], raters: int
) -> bytes:
    """The image as a PNG in colour, of eight bits; a cell the stronger, the larger the share of raters who marked it."""
    from PIL import Image

    image = Image.open(io.BytesIO(png))
    grey = np.asarray(image, dtype=np.float64)
    if grey.max() > 255:  # 16 bits
        grey = grey / 257
    share = counts / max(raters, 1)
    opacity = np.where(counts > 0, FAINTEST + (STRONGEST - FAINTEST) * share, 0.0)
    large = Image.fromarray(opacity.astype(np.float32)).resize(image.size, Image.Resampling.NEAREST)
    weight = np.asarray(large, dtype=np.float64)[..., None]
    blended = grey[..., None] * (1 - weight) + np.array(MARKED) * weight
    out = io.BytesIO()
    Image.fromarray(np.rint(blended).clip(0, 255).astype(np.uint8)).save(out, format="PNG")
    return out.getvalue()
