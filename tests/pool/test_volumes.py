"""Files that hold several images: frames and slices are chosen, and lie as a radiologist looks at them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import numpy.typing as npt
import pytest

from pool.canonical.pixels import RefusedImageError
from pool.imports.decoding import Decoded, Hints
from pool.imports.decoding_child import gate
from pool.imports.volumetric.slices import is_choice
from pool.models import Dataset
from tests.pool.files import dicom_file
from tests.pool.odd import brought

WIDTH, HEIGHT, SLICES = 40, 30, 10


def body() -> npt.NDArray[np.int16]:
    """(x to the left, y to the back, z up) in Hounsfield units: lung in slices 4 to 6, a bright mark left and front."""
    values = np.full((WIDTH, HEIGHT, SLICES), 40, dtype=np.int16)
    values[:, :, 0] = -1000
    values[10:30, 10:20, 4:7] = -800
    values[30:36, 2:6, :] = 120
    return values


def nifti(affine_signs: tuple[int, int] = (-1, -1), spacing: tuple[float, float] = (1.0, 1.0)) -> bytes:
    """The body as NIfTI has it: its axes point right and front where the signs are -1."""
    affine = np.diag([affine_signs[0] * spacing[0], affine_signs[1] * spacing[1], 1.0, 1.0])
    values = body()
    if affine_signs[0] > 0:
        values = values[::-1]
    if affine_signs[1] > 0:
        values = values[:, ::-1]
    return bytes(nibabel.Nifti1Image(values, affine).to_bytes())


def nrrd_file(folder: Path) -> bytes:
    header = {"space": "left-posterior-superior", "space directions": np.eye(3)}
    nrrd.write(str(folder / "a.nrrd"), body(), header)
    return (folder / "a.nrrd").read_bytes()


def images(data: bytes, slices: str, name: str = "a", modality: str = "ct") -> list[Decoded]:
    return gate(data, name, Hints(modality=modality, slices=slices))


def marks_lie_left_and_front(image: Decoded) -> bool:
    """The patient's left is on the right of the image, the front on top."""
    pixels = image.pixels
    rows, columns = np.nonzero(pixels == pixels.max())
    return bool(columns.mean() > pixels.shape[1] / 2 and rows.mean() < pixels.shape[0] / 2)


@pytest.mark.parametrize("signs", [(-1, -1), (1, 1), (-1, 1), (1, -1)])
def test_a_nifti_slice_lies_as_it_is_looked_at_however_it_is_stored(signs: tuple[int, int]) -> None:
    [middle] = images(nifti(signs), "middle")

    assert middle.pixels.shape == (HEIGHT, WIDTH)
    assert middle.tags == {"Format": "NIfTI"}
    assert marks_lie_left_and_front(middle)
    assert (middle.notes[0].code, middle.notes[0].text) == ("frames", "Slice 6 of 10.")


def test_a_packed_nifti_and_an_nrrd_show_the_same(tmp_path: Path) -> None:
    [plain], [packed] = images(nifti(), "middle"), images(gzip.compress(nifti()), "middle", "a.nii.gz")
    [other] = images(nrrd_file(tmp_path), "middle")

    assert np.array_equal(plain.pixels, packed.pixels)
    assert np.array_equal(plain.pixels, other.pixels)


def test_slices_with_lung_are_found_and_every_nth_are_counted() -> None:
    lung, third = images(nifti(), "lung"), images(nifti(), "every:3")

    assert [image.part for image in lung] == ["slice 5", "slice 6", "slice 7"]
    assert [image.part for image in third] == ["slice 2", "slice 5", "slice 8"]


def test_voxels_that_are_not_square_become_so() -> None:
    [middle] = images(nifti(spacing=(1.0, 2.0)), "middle")

    assert middle.pixels.shape == (2 * HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("slices", "modality", "why"),
    [("", "ct", "choose which to take"), ("lung", "mri", "Hounsfield")],
)
def test_a_volume_without_a_choice_that_fits_is_refused(slices: str, modality: str, why: str) -> None:
    with pytest.raises(RefusedImageError, match=why):
        images(nifti(), slices, modality=modality)


def test_an_nrrd_whose_pixels_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    head = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 40 40 2\nencoding: raw\nendian: little\ndata file: /etc/passwd\n\n"

    with pytest.raises(RefusedImageError, match="another file"):
        images(head, "middle")


@pytest.mark.parametrize("cut", [400, 2000])
def test_a_volume_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(RefusedImageError, match="damaged or cut short"):
        images(nifti()[:cut], "middle")


def frames(**tags: Any) -> bytes:
    values = np.ascontiguousarray(body().transpose(2, 1, 0))
    return dicom_file(values[0], NumberOfFrames=SLICES, PixelData=values.astype("<i2").tobytes(), **tags)


def test_frames_of_a_dicom_file_are_chosen() -> None:
    lung, middle = images(frames(), "lung"), images(frames(), "middle")

    assert [image.part for image in lung] == ["frame 5", "frame 6", "frame 7"]
    assert [note.text for note in middle[0].notes] == ["Frame 6 of 10."]
    assert marks_lie_left_and_front(middle[0])


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("middle", True),
        ("every:12", True),
        ("lung", True),
        ("every:0", False),
        ("all", True),
        ("stack", True),
        ("most", False),
    ],
)
def test_what_is_a_choice_of_slices(text: str, fits: bool) -> None:
    assert is_choice(text) == fits


def test_frames_of_one_grey_each_are_refused_with_that_reason() -> None:
    even = np.zeros((3, 32, 32), dtype="<i2")
    data = dicom_file(even[0], NumberOfFrames=3, PixelData=even.tobytes())

    with pytest.raises(RefusedImageError, match="one even grey"):
        images(data, "every:1")


@pytest.mark.django_db
def test_each_slice_is_an_image_named_for_its_place_and_comes_once(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(nifti()))

    first, again = (brought(tmp_path, modality="ct", slices="every:2") for _ in range(2))

    names = Dataset.objects.get(name="D").images.values_list("source_name", flat=True)
    assert (first["imported"], again["imported"]) == (len(names), 0)
    assert set(names) <= {f"a.nii.gz · slice {number}" for number in (2, 4, 6, 8, 10)}
