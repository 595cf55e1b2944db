"""Kept values: a dataset shown under another window without its files, worked out by hand for single pixels."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from audit.models import Event
from pool.canonical.pixels import Pixels
from pool.canonical.previews import stored_pixels
from pool.imports.dicom import decode
from pool.imports.volumetric.volumes import decode as decode_volume
from pool.models import Dataset, Image, ImportJob, NearCopy
from pool.rendering import rewindowing
from pool.rendering.rewindowing import LEFT_OUT, NO_VALUES
from tests.factories import make_dataset, make_image
from tests.pool.files import dicom_file, image_bytes
from tests.pool.odd import brought
from tests.pool.test_odd_kinds import PLAIN, ramp, table

AT = (5, 7)  # the pixel that is worked out by hand
WATER_AND_A_BIT = 40  # Hounsfield units there


def slice_of_a_ct(**tags: Any) -> bytes:
    """Hounsfield units from -1000 to 1000 stored from 24 on, 40 at one pixel."""
    values = np.linspace(-1000, 1000, 32 * 32).reshape(32, 32).astype(np.int16)
    values[AT] = WATER_AND_A_BIT
    return dicom_file(values + np.int16(1024), **{"RescaleIntercept": -1024, **tags})


def in_a_file(data: bytes, folder: Path, name: str = "a.dcm") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def rewindowed(window: str, name: str = "Anew", dataset: str = "D") -> dict[str, Any]:
    """What `lungrater rewindow --json` says."""
    out = io.StringIO()
    call_command("rewindow", dataset, f"--window={window}", "--name", name, "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def pixels_of(dataset: str) -> Pixels:
    return stored_pixels(Dataset.objects.get(name=dataset).images.get())


@pytest.fixture
def browser(client_of: Callable[[User], Client], researcher: User) -> Client:
    return client_of(researcher)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("window", "level"),
    [
        # PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5) * 65535 of x = 40, rounded.
        # (640.5 / 1499 + 0.5) * 65535
        ("lung", 60_770),
        # (0.5 / 399 + 0.5) * 65535
        ("mediastinum", 32_850),
        # (-359.5 / 1799 + 0.5) * 65535
        ("bone", 19_671),
        # (-59.5 / 199 + 0.5) * 65535
        ("100/200", 13_173),
        # (40 - -1000) / (1000 - -1000) * 65535
        ("range", 34_078),
    ],
)
def test_a_pixel_under_another_window_is_as_worked_out_by_hand(
    window: str, level: int, tmp_path: Path
) -> None:
    brought(in_a_file(slice_of_a_ct(), tmp_path), modality="ct", window="-100/5000")

    report = rewindowed(window)

    assert report == {"imported": 1, "refused": []}
    assert int(pixels_of("Anew")[AT]) == level


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("tags", "level"),
    [
        # 1 - (0.5 / 399 + 0.5) = 0.498747
        ({"PhotometricInterpretation": "MONOCHROME1"}, 32_685),
        ({"PresentationLUTShape": "INVERSE"}, 32_685),
        # stored 1064 * 0.5 - 1024 = -492: (-531.5 / 399 + 0.5) < 0
        ({"RescaleSlope": 0.5}, 0),
        # stored 1064 - 1064 = 0: (-39.5 / 399 + 0.5) = 0.401003
        ({"RescaleIntercept": -1064}, 26_280),
        # LINEAR_EXACT: 0 / 400 + 0.5
        ({"VOILUTFunction": "LINEAR_EXACT"}, 32_768),
    ],
)
def test_how_values_become_what_is_shown_is_kept_too(
    tags: dict[str, Any], level: int, tmp_path: Path
) -> None:
    brought(in_a_file(slice_of_a_ct(**tags), tmp_path), modality="ct", window="range")

    rewindowed("40/400")

    assert int(pixels_of("Anew")[AT]) == level


@pytest.mark.django_db(transaction=True)
def test_a_table_of_the_file_is_kept_and_comes_back_with_its_own_window(tmp_path: Path) -> None:
    turned = np.linspace(65535, 0, 4096)
    data = dicom_file(ramp(), **PLAIN, VOILUTSequence=table(turned))
    brought(in_a_file(data, tmp_path), window="range")

    rewindowed("file")

    # Stored 0 is entry 0 of the table, 65535; stored 4095 its last, 0.
    before, now = pixels_of("D"), pixels_of("Anew")
    assert (int(before[0, 0]), int(before[0, -1])) == (0, 65535)
    assert (int(now[0, 0]), int(now[0, -1])) == (65535, 0)


@pytest.mark.django_db(transaction=True)
def test_padding_stays_black_under_every_window(tmp_path: Path) -> None:
    values = np.linspace(-1000, 1000, 32 * 32).reshape(32, 32).astype(np.int16)
    values[:3] = -2000
    brought(in_a_file(dicom_file(values, PixelPaddingValue=-2000), tmp_path), modality="ct")

    rewindowed("-2000/500")

    shown = pixels_of("Anew")
    assert (shown[:3] == 0).all()
    assert (shown[4:] == 65535).all()


def test_the_values_name_nobody(tmp_path: Path) -> None:
    data = slice_of_a_ct(
        StationName="ROOM 7", WindowCenterWidthExplanation="Dr Who", WindowCenter=0, WindowWidth=400
    )

    values = decode(data).values

    header = pydicom.dcmread(io.BytesIO(values))
    assert not {"PN", "DA", "TM", "DT", "LO", "LT", "ST", "UT", "AS"} & {
        element.VR for element in header if element.keyword != "Manufacturer"
    }
    assert not any(secret in values for secret in (b"4711", b"Mister", b"Hospital", b"2020", b"ROOM", b"Who"))
    assert header.SOPInstanceUID != pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID


def test_real_files_look_the_same_from_their_values_as_from_themselves(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "dicom").glob("chest_c*.dcm")):
        for window in ("", "lung", "bone", "range", "40/400"):
            of_file = decode(path.read_bytes(), window=window)
            if not of_file.values:
                assert of_file.pixels.dtype == np.uint8
                continue
            of_values = decode(decode(path.read_bytes()).values, window=window)
            assert np.array_equal(of_file.pixels, of_values.pixels), (path.name, window)
            assert of_file.tags["Window"] == of_values.tags["Window"]
            compared += 1

    assert compared == 50


@pytest.mark.django_db(transaction=True)
def test_the_copies_keep_what_is_known_of_the_images_and_leave_these_alone(
    tmp_path: Path, researcher: User
) -> None:
    csv = tmp_path / "labels.csv"
    csv.write_text("file,label,patient,split\na.dcm,Nodule,P1,test\nb.dcm,None,P2,train\n")
    brought(
        in_a_file(slice_of_a_ct(), tmp_path),
        in_a_file(slice_of_a_ct(KVP=120, RescaleIntercept=-1000), tmp_path, "b.dcm"),
        modality="ct",
        labels=csv,
    )
    before = {image.source_name: (image, stored_pixels(image)) for image in Image.objects.all()}
    before["b.dcm"][0].exclude("Blurred.", by=researcher)

    rewindowed("bone")

    copy = Dataset.objects.get(name="Anew").images.get()
    original, pixels = before["a.dcm"]
    assert (copy.label, copy.split, copy.patient_key) == ("Nodule", "test", original.patient_key)
    assert copy.provenance["derived_from"] == f"image {original.pk}"
    assert copy.provenance["Window"] == "400/1800 (bone)"
    assert np.array_equal(stored_pixels(Image.objects.get(pk=original.pk)), pixels)
    assert copy.file_bytes == copy.file.size + copy.values.size
    assert Event.objects.filter(action="laid another window on a dataset").count() == 1
    assert rewindowed("lung", "Once more", "Anew") == {"imported": 1, "refused": []}
    assert np.array_equal(pixels_of("Once more"), pixels)


@pytest.mark.django_db(transaction=True)
def test_images_without_values_are_named_and_a_dataset_of_them_is_refused(tmp_path: Path) -> None:
    brought(
        in_a_file(slice_of_a_ct(), tmp_path), in_a_file(image_bytes(), tmp_path, "plain.png"), modality="ct"
    )

    report = rewindowed("bone")

    assert report == {"imported": 1, "refused": [{"file": "plain.png", "reason": NO_VALUES}]}
    make_image(make_dataset("Plain"))
    with pytest.raises(CommandError, match="has values to lay a window on"):
        rewindowed("bone", "Another", "Plain")


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"window": "bone", "name": "D"}, {"window": "wide", "name": "New"}])
def test_a_window_and_a_name_that_cannot_be_are_refused_on_the_page(
    fields: dict[str, str], tmp_path: Path, browser: Client
) -> None:
    brought(in_a_file(slice_of_a_ct(), tmp_path), modality="ct")
    dataset = Dataset.objects.get()
    dataset.share_with(None, Part.EDITOR)

    answer = browser.post(reverse("pool:dataset_window", args=[dataset.pk]), fields)

    assert answer.status_code == 422
    assert ImportJob.objects.count() == 1


@pytest.mark.django_db
def test_the_page_leads_to_a_job_that_fills_the_new_dataset(
    tmp_path: Path, browser: Client, researcher: User
) -> None:
    brought(in_a_file(slice_of_a_ct(), tmp_path), modality="ct")
    dataset = Dataset.objects.get()
    dataset.share_with(None, Part.EDITOR)

    assert "Another window" in browser.get(reverse("pool:datasets")).content.decode()
    answer = browser.post(
        reverse("pool:dataset_window", args=[dataset.pk]), {"window": "bone", "name": "Bones"}
    )
    job = ImportJob.objects.get(values_of=dataset)
    job.perform()

    assert answer["Location"] == job.get_absolute_url()
    assert "The values of “D” under the window “bone”" in browser.get(job.get_absolute_url()).content.decode()
    assert Dataset.objects.get(name="Bones").is_owned_by(researcher)
    assert int(pixels_of("Bones")[AT]) == 19_671


@pytest.mark.django_db
def test_a_job_that_begins_again_makes_only_what_is_missing(tmp_path: Path, researcher: User) -> None:
    brought(
        in_a_file(slice_of_a_ct(), tmp_path),
        in_a_file(slice_of_a_ct(RescaleIntercept=-1000), tmp_path, "b.dcm"),
        modality="ct",
    )
    rewindowed("bone")
    job = ImportJob.objects.exclude(values_of=None).get()
    kept_key = job.images.get(source_name="a.dcm").pk
    job.images.get(source_name="b.dcm").delete()
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.QUEUED)

    again = ImportJob.objects.get(pk=job.pk)
    again.perform()

    assert sorted(job.images.values_list("source_name", flat=True)) == ["a.dcm", "b.dcm"]
    assert job.images.get(source_name="a.dcm").pk == kept_key
    assert again.imported == 2


def two_of_one_name(folder: Path) -> None:
    """Two imports into one dataset, each with an a.dcm."""
    for number in (1, 2):
        (folder / str(number)).mkdir()
        data = slice_of_a_ct(RescaleIntercept=-1000 - number)
        brought(in_a_file(data, folder / str(number)), modality="ct")


@pytest.mark.django_db
def test_a_job_that_begins_again_makes_each_of_several_images_of_one_name(tmp_path: Path) -> None:
    two_of_one_name(tmp_path)
    rewindowed("bone")
    job = ImportJob.objects.exclude(values_of=None).get()
    first, second = Dataset.objects.get(name="D").images.all()
    job.images.get(provenance__derived_from=f"image {second.pk}").delete()
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.QUEUED)

    again = ImportJob.objects.get(pk=job.pk)
    again.perform()

    origins = set(job.images.values_list("provenance__derived_from", flat=True))
    assert origins == {f"image {first.pk}", f"image {second.pk}"}
    assert again.imported == 2


@pytest.mark.django_db
def test_a_job_that_begins_again_names_each_refused_image_once(tmp_path: Path) -> None:
    plain = in_a_file(image_bytes(), tmp_path, "plain.png")
    brought(in_a_file(slice_of_a_ct(), tmp_path), plain, modality="ct")
    rewindowed("bone")
    job = ImportJob.objects.exclude(values_of=None).get()
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.QUEUED)

    ImportJob.objects.get(pk=job.pk).perform()

    assert list(job.outcomes.values_list("file", "reason")) == [("plain.png", NO_VALUES)]


@pytest.mark.django_db
def test_an_image_left_out_while_the_job_runs_is_not_copied(
    tmp_path: Path, researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_of_one_name(tmp_path)
    second = Dataset.objects.get(name="D").images.order_by("pk")[1]
    item = rewindowing._item

    def leave_out_on_the_way(image: Image) -> Any:
        if image == second:
            Image.objects.get(pk=second.pk).exclude("A name.", by=researcher)
        return item(image)

    monkeypatch.setattr(rewindowing, "_item", leave_out_on_the_way)

    report = rewindowed("bone")

    assert report == {"imported": 1, "refused": [{"file": "a.dcm", "reason": LEFT_OUT}]}


@pytest.mark.django_db
def test_a_near_copy_that_studies_hold_back_does_not_come_back_under_another_window(tmp_path: Path) -> None:
    two_of_one_name(tmp_path)
    near, other = Dataset.objects.get(name="D").images.all()
    NearCopy.objects.create(image=near, of=make_image(), similarity=0.97, threshold=0.8)

    rewindowed("bone")

    copy = Dataset.objects.get(name="Anew").images.get()
    assert copy.provenance["derived_from"] == f"image {other.pk}"


@pytest.mark.django_db
def test_whoever_only_looks_at_a_dataset_lays_no_window_on_it(
    tmp_path: Path, browser: Client, researcher: User
) -> None:
    brought(in_a_file(slice_of_a_ct(), tmp_path), modality="ct")
    dataset = Dataset.objects.get()
    dataset.memberships.all().delete()
    dataset.share_with(researcher, Part.VIEWER)

    answer = browser.post(
        reverse("pool:dataset_window", args=[dataset.pk]), {"window": "bone", "name": "Bones"}
    )

    assert answer.status_code == 404
    assert "Another window" not in browser.get(reverse("pool:datasets")).content.decode()
    with pytest.raises(CommandError, match="may change"):
        call_command("rewindow", "D", "--window=bone", "--name=Bones", "--owner", researcher.email)
    assert not Dataset.objects.filter(name="Bones").exists()


@pytest.mark.django_db
def test_a_copy_that_a_command_makes_for_nobody_is_seen_by_whoever_sees_its_source(
    tmp_path: Path, researcher: User, stranger: User
) -> None:
    brought(in_a_file(slice_of_a_ct(), tmp_path), modality="ct")
    dataset = Dataset.objects.get()
    dataset.memberships.all().delete()
    dataset.share_with(researcher, Part.EDITOR)

    rewindowed("bone")

    copy = Dataset.objects.get(name="Anew")
    assert (copy.parts_of(researcher), copy.parts_of(stranger)) == ({Part.EDITOR}, set())


def test_a_slice_of_a_volume_keeps_its_values_too() -> None:
    import nibabel

    values = np.linspace(-1000, 1000, 32 * 32 * 3).reshape(32, 32, 3).astype(np.int16)
    data = nibabel.Nifti1Image(values, np.diag([1.0, 1.0, 5.0, 1.0])).to_bytes()

    of_bone, _ = decode_volume(data, "NIfTI", choice="middle", modality="ct", window="bone")
    of_lung, _ = decode_volume(data, "NIfTI", choice="middle", modality="ct", window="lung")

    again = decode(of_lung[0].values, modality="ct", window="bone")
    assert np.array_equal(again.pixels, of_bone[0].pixels)
