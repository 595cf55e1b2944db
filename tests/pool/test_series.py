"""Slices of a series in the order in which they lie, and what is missing between them, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from pool.imports.dicom import decode
from pool.imports.volumetric.series import gaps
from pool.models import Dataset, Image
from tests.pool.files import dicom_file
from tests.pool.odd import brought
from tests.pool.test_rewindowing import rewindowed

AXIAL = [1, 0, 0, 0, 1, 0]
SERIES = "1.2.826.0.1.3680043.8.498.1"


def slice_at(z: float, **tags: Any) -> bytes:
    """An axial slice so many millimetres up; its number says nothing of where it lies."""
    values = np.random.default_rng(round(z * 100) + 10_000).integers(-1000, 1000, (32, 32)).astype(np.int16)
    place = {"ImagePositionPatient": [0, 0, z], "ImageOrientationPatient": AXIAL, "SeriesInstanceUID": SERIES}
    return dicom_file(values, **{**place, "InstanceNumber": 1, **tags})


def imported(folder: Path, slices: dict[str, bytes]) -> dict[str, Any]:
    for name, data in slices.items():
        (folder / name).write_bytes(data)
    return brought(*(folder / name for name in slices), modality="ct")


def in_order() -> list[str]:
    return list(Image.objects.order_by("slice_number").values_list("source_name", flat=True))


def series_notes() -> dict[str, str]:
    notes = {image.source_name: image.notes for image in Image.objects.noted("series")}
    return {
        name: entry["text"]
        for name, several in notes.items()
        for entry in several
        if entry["code"] == "series"
    }


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([0, 5, 10, 15], []),
        ([0, 5, 15, 20], [(1, 1)]),
        ([0, 5, 10, 30, 35], [(2, 3)]),
        ([0, 10, 15, 20, 40], [(0, 1), (3, 3)]),
        ([0, 1.25, 2.5, 3.75, 5.01], []),
        ([0, 5, 5, 10, 15], []),
        ([0, 50], []),
        ([0], []),
    ],
)
def test_gaps_are_where_the_distance_is_more_than_usual(
    positions: list[float], expected: list[tuple[int, int]]
) -> None:
    assert [(gap.after, gap.missing) for gap in gaps(positions)] == expected


def test_a_place_is_the_position_along_the_normal_of_the_slices() -> None:
    # Coronal: rows to the left, columns downwards, so that the normal is (0, 1, 0) and y counts.
    coronal = decode(
        slice_at(0, ImageOrientationPatient=[1, 0, 0, 0, 0, -1], ImagePositionPatient=[7, -42, 9])
    )
    # Turned by 30° about x: the normal is (0, -sin 30°, cos 30°), and 10 mm along it are (0, -5, 8.660254).
    tilted = decode(
        slice_at(
            0,
            ImageOrientationPatient=[1, 0, 0, 0, 0.8660254, 0.5],
            ImagePositionPatient=[3, -5, 8.660254],
        )
    )

    assert coronal.series is not None
    assert coronal.series.position == pytest.approx(-42)
    assert tilted.series is not None
    assert tilted.series.position == pytest.approx(10, abs=1e-5)
    assert decode(slice_at(0, SeriesInstanceUID=None)).series is None


@pytest.mark.django_db
def test_slices_are_numbered_as_they_lie_and_the_missing_ones_are_noted(tmp_path: Path) -> None:
    imported(
        tmp_path, {"c.dcm": slice_at(10), "a.dcm": slice_at(-5), "d.dcm": slice_at(25), "b.dcm": slice_at(5)}
    )
    before = series_notes()
    imported(tmp_path, {"e.dcm": slice_at(0)})

    assert in_order() == ["a.dcm", "e.dcm", "b.dcm", "c.dcm", "d.dcm"]
    assert set(Image.objects.values_list("slice_count", flat=True)) == {5}
    assert set(before) == {"a.dcm", "c.dcm"}
    assert series_notes() == {
        "c.dcm": "2 slices are missing after this one: 15 mm to the next, 5 mm elsewhere."
    }


def test_a_real_slice_knows_its_place(shared_data: Path) -> None:
    # Position (-161.4, -148.8, 4.7) of an axial slice: 4.7 mm along its normal, which is z.
    place = decode((shared_data / "dicom" / "chest_ct_explicit_le.dcm").read_bytes()).series

    assert place is not None
    assert place.position == pytest.approx(4.7)


@pytest.mark.django_db
def test_series_are_kept_apart_and_no_identifier_is_stored(tmp_path: Path) -> None:
    imported(
        tmp_path,
        {
            "a.dcm": slice_at(0),
            "b.dcm": slice_at(5),
            "other.dcm": slice_at(10, SeriesInstanceUID=f"{SERIES}.2"),
            "scout.dcm": slice_at(15, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
        },
    )

    counts = dict(Image.objects.values_list("source_name", "slice_count"))
    assert counts == {"a.dcm": 2, "b.dcm": 2, "other.dcm": 1, "scout.dcm": 1}
    assert not any(SERIES in str(vars(image)) for image in Image.objects.all())


@pytest.mark.django_db
def test_slices_of_one_series_are_neighbours_on_their_pages(
    tmp_path: Path, client_of: Callable[[User], Client], researcher: User
) -> None:
    imported(tmp_path, {"b.dcm": slice_at(5), "a.dcm": slice_at(0)})
    Dataset.objects.get().share_with(None, Part.VIEWER)
    first, second = Image.objects.order_by("slice_number")

    page = client_of(researcher).get(reverse("pool:image", args=[first.pk])).content.decode()

    assert [first.source_name, second.source_name] == ["a.dcm", "b.dcm"]
    assert "1 of 2 of its series" in page
    assert second.get_absolute_url() in page


@pytest.mark.django_db(transaction=True)
def test_another_window_keeps_the_order(tmp_path: Path) -> None:
    imported(tmp_path, {"b.dcm": slice_at(5), "a.dcm": slice_at(0)})

    rewindowed("bone")

    copies = Dataset.objects.get(name="Anew").images.order_by("slice_number")
    assert [(copy.source_name, copy.slice_number, copy.slice_count) for copy in copies] == [
        ("a.dcm", 1, 2),
        ("b.dcm", 2, 2),
    ]
