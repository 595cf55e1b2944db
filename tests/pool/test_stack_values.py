"""The values behind every slice of a stack: another window for all of it, worked out by hand for single pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from pool.canonical.pixels import decode_png
from pool.models import Dataset, FileOutcome
from pool.rendering.rewindowing import ONE_WINDOW
from pool.storage.slices import slice_files
from tests.pool.files import dicom_file
from tests.pool.odd import brought
from tests.pool.test_rewindowing import AT, WATER_AND_A_BIT, in_a_file, rewindowed
from tests.pool.test_series import AXIAL, SERIES
from tests.pool.test_volumes import nifti


@pytest.mark.django_db(transaction=True)
def test_every_slice_of_a_stack_is_shown_under_the_other_window_and_back(tmp_path: Path) -> None:
    for place in range(5):
        values = np.full((32, 32), -1000 + 50 * place, dtype=np.int16)
        values[AT] = WATER_AND_A_BIT
        at = {"ImagePositionPatient": [0, 0, 5.0 * place], "ImageOrientationPatient": AXIAL}
        in_a_file(dicom_file(values, **at, SeriesInstanceUID=SERIES), tmp_path, f"{place}.dcm")
    brought(tmp_path, modality="ct", window="-100/5000", slices="stack")

    rewindowed("lung")
    rewindowed("-100/5000", "Back", "Anew")

    before, lung, back = (
        [decode_png(file.open("rb").read()) for file in slice_files(image, image.slices)]
        for name in ("D", "Anew", "Back")
        for image in Dataset.objects.get(name=name).images.all()
    )
    assert [int(pixels[AT]) for pixels in lung] == [60_770] * 5  # by hand, see above
    # (-1000 + 50 k + 600.5) / 1499 + 0.5, times 65535
    assert [int(pixels[0, 0]) for pixels in lung] == [15_302, 17_488, 19_674, 21_860, 24_046]
    assert [pixels.tobytes() for pixels in back] == [pixels.tobytes() for pixels in before]


@pytest.mark.django_db(transaction=True)
def test_the_slices_of_a_stack_are_not_each_shown_by_a_range_of_their_own(tmp_path: Path) -> None:
    brought(in_a_file(nifti(), tmp_path, "a.nii"), modality="ct", window="lung", slices="stack")

    with pytest.raises(CommandError):
        call_command("rewindow", "D", "--window=range", "--name", "Anew")

    assert FileOutcome.objects.get().reason == ONE_WINDOW
