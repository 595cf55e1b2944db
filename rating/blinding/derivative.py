"""The one path from a source to what raters see, with what the protocol does to make both arms alike."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db.models import F, Min
from django.db.models.functions import Least

from pool.canonical.pixels import (
    GreyWindow,
    Pixels,
    blinded_derivative,
    decode_png,
    encode_png,
    fitted_square,
    grey_window,
)
from pool.models import Origin
from pool.storage.stored_files import LostFileError, stored_bytes
from rating.studies.images import StudyImage
from rating.studies.study import Study

PROBABILITIES = np.linspace(0, 1, 513)
SAMPLE = 50  # images of each arm whose grey levels make the common range


@dataclass(frozen=True, slots=True)
class DerivativePath:
    """Every image of a study goes through the same steps with the same constants, whichever arm it stands in."""

    side: int
    bits: int
    common_side: int | None = None  # brought to this square first, as training does
    masks_corners: bool = False
    levels: npt.NDArray[np.float64] | None = None  # the common grey levels, by PROBABILITIES

    @classmethod
    def of(cls, study: Study) -> DerivativePath:
        """With what has to be known of all the study's images, the same whenever it is asked."""
        path = cls(study.canvas, study.bits, _common_side(study), study.burned_in == Study.BurnedIn.MASK)
        if study.grey_range != Study.GreyRange.COMMON:
            return path
        return cls(path.side, path.bits, path.common_side, path.masks_corners, _common_levels(study, path))

    def window_of(self, slices: Sequence[Pixels]) -> GreyWindow:
        """The window that all slices of a stack share."""
        return grey_window(slices, side=self.side, bits=self.bits, common_side=self.common_side)

    def png(self, pixels: Pixels, window: GreyWindow | None = None) -> bytes:
        """The image that raters see; of a slice under the window of its stack."""
        if self.common_side:
            pixels = fitted_square(pixels, side=self.common_side, limits=window.source if window else None)
        png = blinded_derivative(pixels, side=self.side, bits=self.bits, window=window)
        if self.levels is not None:
            png = encode_png(with_levels(decode_png(png), self.levels))
        if self.masks_corners:
            from rating.blinding.letters import masked  # scipy, which the web process need not load

            png = encode_png(masked(decode_png(png)))
        return png


def with_levels(pixels: Pixels, levels: npt.NDArray[np.float64]) -> Pixels:
    """The image with each grey level moved to where the common ones stand at its rank."""
    values, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / counts.sum()
    moved = np.rint(np.interp(ranks, PROBABILITIES, levels)).astype(pixels.dtype)
    moved_pixels: Pixels = moved[places].reshape(pixels.shape)
    return moved_pixels if len(values) > 1 else pixels


def _common_side(study: Study) -> int | None:
    images = study.images.all()
    if study.common_size == Study.CommonSize.OWN:
        return None
    if study.common_size == Study.CommonSize.MODEL:
        images = images.filter(image__origin=Origin.SYNTHETIC)
    smallest = Least(F("image__width"), F("image__height"))
    side: int | None = images.aggregate(side=Min(smallest))["side"]
    return side


def _common_levels(study: Study, path: DerivativePath) -> npt.NDArray[np.float64]:
    """The mean grey level at each rank, over as many images of one arm as of the other."""
    of_arms = []
    for origin in Origin.values:
        of_arm = study.images.filter(image__origin=origin).select_related("image").order_by("code")[:SAMPLE]
        levels = []
        for image in of_arm:
            with suppress(LostFileError):  # the freeze ends without it, and names it
                levels.append(np.quantile(decode_png(path.png(source_of(image))), PROBABILITIES))
        if levels:
            of_arms.append(np.mean(levels, axis=0))
    return np.asarray(np.mean(of_arms, axis=0))


def slices_read(study: Study) -> int:
    """How many slices raters read of every image of the study: of none more than of another, whichever arm it is of.

    A set shows several images, and a common grey range is made image by image: there it is the middle slice alone.
    """
    return slices_of_smallest(study, study.images.aggregate(slices=Min("image__slices"))["slices"] or 1)


def slices_of_smallest(study: Study, smallest: int) -> int:
    """The same, of images whose smallest has so many."""
    if study.shows_sets or study.grey_range == Study.GreyRange.COMMON:
        return 1
    return min(study.slices or smallest, smallest)


def source_of(study_image: StudyImage) -> Pixels:
    """Its pixels in the pool. Raises LostFileError."""
    return decode_png(stored_bytes(study_image.image.file, f"image {study_image.image_id}"))
