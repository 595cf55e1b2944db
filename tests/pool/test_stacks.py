"""Slices that belong together become one image: in order, all of them, its middle slice standing for it."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage

from accounts.membership.models import Part
from accounts.models import User
from pool.canonical.pixels import Pixels, decode_png, pixel_sha256
from pool.dataset_removal import remove
from pool.models import Dataset, Image, Slice
from pool.publication.rules import reasons_not_to_release
from pool.storage.slices import slice_files, spread
from tests.api.callers import caller, post
from tests.factories import make_dataset, make_pixels, make_stack
from tests.pool.files import dicom_file, saved
from tests.pool.odd import brought, the_image
from tests.pool.test_series import AXIAL, SERIES
from tests.pool.test_volumes import SLICES, frames, images, nifti

pytestmark = pytest.mark.django_db


def marked(place: int) -> bytes:
    """An axial slice, a bright bar of which says its place."""
    values = np.full((32, 32), -1000, dtype=np.int16)
    values[place] = 100
    at = {"ImagePositionPatient": [0, 0, 5.0 * place], "ImageOrientationPatient": AXIAL}
    return dicom_file(values, **at, SeriesInstanceUID=SERIES)


def slices_of(image: Image, number: int | None = None) -> list[Pixels]:
    return [decode_png(file.open("rb").read()) for file in slice_files(image, number or image.slices)]


def places_of(image: Image, number: int | None = None) -> list[int]:
    return [int(pixels.mean(axis=1).argmax()) for pixels in slices_of(image, number)]


def test_a_series_of_files_is_one_image_of_all_slices_in_order(tmp_path: Path) -> None:
    for place, name in enumerate("gcafbed"):
        (tmp_path / f"{name}.dcm").write_bytes(marked(place))

    report = brought(tmp_path, modality="ct", slices="stack")

    image = the_image()
    assert (report["imported"], report["refused"], image.slices) == (1, [], 7)
    assert places_of(image) == [0, 1, 2, 3, 4, 5, 6]
    assert (image.source_name, image.pixel_sha256) == ("f.dcm", pixel_sha256(slices_of(image)[3]))
    assert list(image.other_slices.values_list("number", flat=True)) == [1, 2, 3, 5, 6, 7]
    assert (
        image.notes[-1]["text"]
        == "A stack of 7 slices, from “g.dcm” to “d.dcm”; the middle one stands for it."
    )


def test_a_stack_comes_once(tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / f"{place}.dcm").write_bytes(marked(place))

    first, again = (brought(tmp_path, modality="ct", slices="stack") for _ in range(2))

    assert (first["imported"], again["imported"], Slice.objects.count()) == (1, 0, 2)
    assert [entry["same_as"] for entry in again["duplicates"]] == ["1.dcm"]


def test_no_file_of_a_stack_is_asked_for_again(tmp_path: Path, researcher: User) -> None:
    files = [marked(place) for place in range(3)]
    for place, data in enumerate(files):
        (tmp_path / f"{place}.dcm").write_bytes(data)
    brought(tmp_path, modality="ct", slices="stack")
    Dataset.objects.get().share_with(None, Part.EDITOR)
    digests = [hashlib.sha256(data).hexdigest() for data in (*files, b"another")]

    answer = post(
        caller(researcher), f"/api/v1/datasets/{Dataset.objects.get().pk}/images/missing", {"sha256": digests}
    )

    assert answer.json() == {"sha256": digests[3:]}


def test_a_real_file_of_frames_is_a_stack(tmp_path: Path, shared_data: Path) -> None:
    report = brought(shared_data / "dicom" / "mf_10frames_mr.dcm", modality="mri", slices="stack")

    stack = slices_of(the_image())
    assert (report["imported"], len(stack), len({pixel_sha256(pixels) for pixels in stack})) == (1, 10, 10)


def test_a_missing_slice_is_noted_on_the_stack(tmp_path: Path) -> None:
    for place in (0, 1, 3, 4):
        (tmp_path / f"{place}.dcm").write_bytes(marked(place))

    brought(tmp_path, modality="ct", slices="stack")

    [note] = [note["text"] for note in the_image().notes if note["code"] == "series"]
    assert note == "Slice 2: 1 slice is missing after this one: 10 mm to the next, 5 mm elsewhere."


@pytest.mark.parametrize("kind", ["nifti", "frames"])
def test_a_volume_and_a_file_of_frames_are_stacks_with_their_dark_slices(kind: str, tmp_path: Path) -> None:
    """All slices are shown by one window: the mark that goes through all of them is equally bright in each."""
    data = gzip.compress(nifti()) if kind == "nifti" else frames()
    (tmp_path / ("a.nii.gz" if kind == "nifti" else "a.dcm")).write_bytes(data)

    report = brought(tmp_path, modality="ct", slices="stack")

    stack = slices_of(the_image())
    assert (report["imported"], len(stack)) == (1, SLICES)
    assert stack[0].min() < stack[5].min() < stack[1].min()
    assert len({pixels.max() for pixels in stack}) == 1
    assert np.array_equal(stack[5], images(data, "middle")[0].pixels)


def test_the_slices_of_a_folder_are_counted_not_spelled(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for place in range(11):
            pixels = np.zeros((32, 32), dtype=np.uint8)
            pixels[place] = 200 if folder == "one" else 100
            (tmp_path / folder / f"slice {place}.png").write_bytes(saved_png(pixels))

    brought(tmp_path, modality="ct", slices="stack")

    stacks = list(Image.objects.order_by("source_name"))
    assert [(stack.slices, places_of(stack)) for stack in stacks] == [(11, list(range(11)))] * 2


def saved_png(pixels: Pixels) -> bytes:
    from PIL import Image as Pillow

    return saved(Pillow.fromarray(pixels))


def test_slices_that_do_not_fit_together_are_refused_file_by_file(tmp_path: Path) -> None:
    for side in (32, 48):
        pixels = np.zeros((side, side), dtype=np.uint8)
        pixels[3] = 255
        (tmp_path / f"{side}.png").write_bytes(saved_png(pixels))

    report = brought(tmp_path, modality="ct", slices="stack")

    reason = "Slices of different sizes or depths make no stack (2 lie together here)."
    assert report["refused"] == [{"file": f"{side}.png", "reason": reason} for side in (32, 48)]


@pytest.mark.parametrize(
    ("slices", "number", "numbers"),
    [
        (7, 7, [1, 2, 3, 4, 5, 6, 7]),
        (7, 1, [4]),
        (10, 2, [1, 6]),
        (10, 5, [2, 4, 6, 8, 10]),
        (9, 3, [2, 5, 8]),
        (300, 4, [1, 76, 151, 226]),
    ],
)
def test_evenly_spaced_slices_have_the_middle_one_in_their_middle(
    slices: int, number: int, numbers: list[int]
) -> None:
    assert spread(slices, number) == numbers
    assert numbers[number // 2] == slices // 2 + 1


def test_with_its_dataset_the_files_of_a_stack_go(
    tmp_path: Path, django_capture_on_commit_callbacks: object
) -> None:
    for place in range(3):
        (tmp_path / f"{place}.dcm").write_bytes(marked(place))
    brought(tmp_path, modality="ct", slices="stack")
    image = the_image()
    values = [image.values, *(row.values for row in image.other_slices.all())]
    names = [str(file.name) for file in (*slice_files(image, 3), *values)]
    assert the_image().file_bytes == sum(default_storage.size(name) for name in names)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # pytest-django names no type
        remove(Dataset.objects.get())

    assert not any(default_storage.exists(name) for name in names)


def test_a_dataset_with_stacks_is_not_released_by_its_middle_slices_alone() -> None:
    dataset = make_dataset(origin="synthetic")
    make_stack(dataset, [make_pixels(seed=seed) for seed in range(3)])

    assert any("holds stacks" in reason for reason in reasons_not_to_release(dataset, "png"))
    assert reasons_not_to_release(dataset, "dicom") == []
