"""The slices of a study's stack, out of the pool."""

from __future__ import annotations

from pool.canonical.pixels import Pixels, decode_png
from pool.storage.slices import slice_files, spread
from pool.storage.stored_files import stored_bytes
from rating.studies.images import StudyImage

WINDOW_SLICES = 16  # whose grey levels make the window of all slices of a stack


class StackSources:
    """As many of an image's slices as the study shows, evenly spaced."""

    def __init__(self, study_image: StudyImage, slices: int) -> None:
        self.owner = f"image {study_image.image_id}"
        self.files = slice_files(study_image.image, slices)

    def pixels(self, number: int) -> Pixels:
        """Raises LostFileError."""
        return decode_png(stored_bytes(self.files[number - 1], self.owner))

    def sample(self) -> list[Pixels]:
        """As many as make the window of all of them, evenly spaced."""
        return [
            self.pixels(number) for number in spread(len(self.files), min(len(self.files), WINDOW_SLICES))
        ]
