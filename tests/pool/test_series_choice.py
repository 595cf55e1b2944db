"""Slices are chosen across the files of a series, in the order in which they lie, and those left out are listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accounts.models import User
from pool.imports import tasks as import_tasks
from pool.imports.outcomes import outcome_lines
from pool.models import Image, ImportJob
from tests.pool.files import dicom_file, image_bytes, zipped
from tests.pool.odd import brought
from tests.pool.test_series import AXIAL, SERIES
from tests.pool.test_uploads import sent, submitted

pytestmark = pytest.mark.django_db

AIR, LUNG, TISSUE = -1000, -800, 40


def ct_slice(z: float, *, lung: bool = False, series: str = SERIES) -> bytes:
    """An axial slice so many millimetres up; a third of it is lung or tissue, the rest air."""
    values = np.full((32, 32), AIR, dtype=np.int16)
    values[10:20] = LUNG if lung else TISSUE
    values[0, 0] = round(z)
    place = {"ImagePositionPatient": [0, 0, z], "ImageOrientationPatient": AXIAL, "SeriesInstanceUID": series}
    return dicom_file(values, **place)


def series_in(folder: Path) -> Path:
    """Seven files whose names run against their places; the third to the fifth from below show lung."""
    folder.mkdir(exist_ok=True)
    for place, name in enumerate("gfedcba"):
        (folder / f"{name}.dcm").write_bytes(ct_slice(5 * place, lung=place in {2, 3, 4}))
    return folder


def names() -> list[str]:
    return list(Image.objects.order_by("series_key", "slice_position").values_list("source_name", flat=True))


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ("middle", "d"),
        ("every:3", "fc"),
        ("every:100", "a"),
        ("all", "gfedcba"),
        ("lung", "edc"),
        ("", "gfedcba"),
    ],
)
def test_slices_of_a_series_of_files_are_chosen_as_they_lie(choice: str, chosen: str, tmp_path: Path) -> None:
    report = brought(series_in(tmp_path / "s"), modality="ct", slices=choice)

    assert names() == [f"{name}.dcm" for name in chosen]
    left_out = [entry["file"] for entry in report.get("unchosen", [])]
    assert left_out == [f"{name}.dcm" for name in "gfedcba" if name not in chosen]
    assert report["refused"] == report["duplicates"] == []


def test_what_was_not_chosen_says_where_it_lies_and_what_was_says_so_too(tmp_path: Path) -> None:
    report = brought(series_in(tmp_path / "s"), modality="ct", slices="middle")

    assert report["unchosen"][0] == {
        "file": "g.dcm",
        "reason": "Slice 1 of 7 of its series, not chosen by middle.",
    }
    assert {"file": "d.dcm", "code": "frames", "text": "Slice 4 of 7 of its series."} in report["notes"]


def test_each_series_has_a_middle_of_its_own_and_other_files_are_taken_as_ever(tmp_path: Path) -> None:
    folder = series_in(tmp_path / "s")
    for z in range(3):
        (folder / f"x{z}.dcm").write_bytes(ct_slice(z, series=f"{SERIES}.9"))
    (folder / "z.png").write_bytes(image_bytes())

    brought(folder, modality="ct", slices="middle")

    assert set(names()) == {"d.dcm", "x1.dcm", "z.png"}


def test_a_series_without_lung_or_without_hounsfield_units_is_refused_file_by_file(tmp_path: Path) -> None:
    for z in range(3):
        (tmp_path / f"{z}.dcm").write_bytes(ct_slice(z))

    report = brought(tmp_path, modality="ct", slices="lung")

    assert [entry["reason"] for entry in report["refused"]] == ["No slice shows lung."] * 3
    assert report["imported"] == 0


def test_an_upload_that_began_anew_chooses_the_same_and_lists_the_rest_once(
    researcher: User, tmp_path: Path
) -> None:
    files = {path.name: path.read_bytes() for path in sorted(series_in(tmp_path / "s").iterdir())}
    job = submitted(researcher, sent=sent(("z.zip", zipped(files, tmp_path / "z.zip").read_bytes())))
    ImportJob.objects.filter(pk=job.pk).update(slices="every:3")
    import_tasks.run_import_job(job.pk)
    Image.objects.get(source_name="c.dcm").delete()
    ImportJob.objects.filter(pk=job.pk).update(state="queued")

    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    lines = [line.strip() for line in outcome_lines(job)][1:]
    assert names() == ["f.dcm", "c.dcm"]
    assert (job.done, job.total) == (7, 7)
    assert len(lines) == 7
    assert sum(",not chosen," in line for line in lines) == 5
