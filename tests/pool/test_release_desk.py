"""Files held back: no image of the pool until a person has seen each, and what becomes of them then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from audit.models import Event
from pool.canonical.pixels import Pixels, decode_png
from pool.canonical.previews import stored_pixels
from pool.dataset_removal import remove
from pool.imports.dicom import decode
from pool.models import Dataset, HeldFile, Image, ImportJob
from pool.release.desk import AlreadyDecidedError, discard, release
from pool.release.forms import DiscardSeveralForm
from pool.release.masks import BadMaskError, Rectangle, masked, rectangles_of
from tests.factories import make_dataset, make_held_file, make_image, make_pixels
from tests.pool.files import dicom_file
from tests.pool.odd import brought

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ClientOf = Callable[[User], Client]


def screenshot(seed: int = 1, **tags: Any) -> bytes:
    """A screenshot as a workstation stores it: a secondary capture of eight bits and no modality that means anything."""
    values = make_pixels(seed=seed).astype(np.int16)
    plain = {
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "RescaleSlope": None,
        "RescaleIntercept": None,
    }
    return dicom_file(values, **{**plain, "SOPClassUID": SECONDARY_CAPTURE, "Modality": "OT", **tags})


def in_a_file(data: bytes, folder: Path, name: str = "capture.dcm") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.fixture
def browser(client_of: ClientOf, researcher: User) -> Client:
    return client_of(researcher)


@pytest.fixture
def held_file(db: None) -> HeldFile:
    return make_held_file(label="Pneumonia", patient_key="a" * 64)


def stored(held_file: HeldFile) -> Pixels:
    with default_storage.open(str(held_file.file.name)) as file:
        return decode_png(file.read())


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "of modality OT: more likely a screenshot"),
        ({"Modality": "CT"}, "of modality CT: more likely a screenshot"),
        ({"Modality": None}, "of no modality of its own"),
        ({"Modality": "CR", "BurnedInAnnotation": "YES"}, "text is burned into the image"),
        ({"Modality": "CR", "RecognizableVisualFeatures": "YES"}, "a face can be recognised"),
        ({"Modality": "US", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "a name burned in"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"}, "more likely a screenshot"),
    ],
)
def test_what_may_show_a_name_or_a_face_waits_for_a_person(tags: dict[str, Any], words: str) -> None:
    assert words in decode(screenshot(**tags), modality="xray").hold_reason


@pytest.mark.parametrize("modality", ["CR", "DX"])
def test_a_radiograph_published_as_a_secondary_capture_goes_in(modality: str) -> None:
    assert decode(screenshot(Modality=modality)).hold_reason == ""


def test_the_real_files_with_tables_of_values_go_in_though_they_are_secondary_captures(
    shared_data: Path,
) -> None:
    for name in ("voi_lut_8bit.dcm", "modality_lut_12in16.dcm", "chest_cr_monochrome1_jpeg.dcm"):
        assert decode((shared_data / "dicom" / name).read_bytes()).hold_reason == "", name


@pytest.mark.django_db
def test_a_held_file_is_no_image_and_the_import_says_so(tmp_path: Path) -> None:
    report = brought(in_a_file(screenshot(), tmp_path))

    assert report["imported"] == 0
    assert report["refused"] == []
    assert [entry["file"] for entry in report["held"]] == ["capture.dcm"]
    assert "screenshot" in report["held"][0]["reason"]
    assert not Image.objects.exists()
    row = HeldFile.objects.get()
    assert row.import_job == ImportJob.objects.get()
    assert row.import_job.state == ImportJob.State.SUCCEEDED
    assert np.array_equal(stored(row), decode(screenshot()).pixels)


@pytest.mark.django_db
def test_held_real_files_are_seen_on_the_desk_and_nowhere_else(shared_data: Path, browser: Client) -> None:
    names = [
        "burned_in_yes.dcm",
        "us_phi_citizen_jan.dcm",
        "sc_rgb_jpeg.dcm",
        "chest_cr_monochrome2_jpeg.dcm",
    ]

    report = brought(*(shared_data / "dicom" / name for name in names))
    Dataset.objects.get().share_with(None, Part.OWNER)

    assert report["imported"] == 1
    assert {entry["file"] for entry in report["held"]} == set(names[:3])
    desk = browser.get(reverse("pool:held_files")).content.decode()
    gallery = browser.get(reverse("pool:gallery")).content.decode()
    assert all(name in desk for name in names[:3])
    assert not any(str(row.pk) in gallery for row in HeldFile.objects.all())
    page = browser.get(reverse("pool:import", args=[ImportJob.objects.get().pk])).content.decode()
    assert "3 held for release" in page


@pytest.mark.django_db
def test_a_released_file_is_an_image_of_the_same_pixels_and_the_log_says_who_and_why(
    held_file: HeldFile, researcher: User
) -> None:
    pixels, path = stored(held_file), str(held_file.file.name)

    image = release(held_file, by=researcher, reason="Only the side is marked.")

    assert np.array_equal(stored_pixels(image), pixels)
    assert (image.label, image.patient_key) == ("Pneumonia", "a" * 64)
    assert image.notes[-1]["code"] == "release"
    assert "Only the side is marked." in image.notes[-1]["text"]
    event = Event.objects.about(held_file).get()
    assert (event.action, event.reason) == ("released a held file", "Only the side is marked.")
    assert event.detail["image"] == str(image.pk)
    held_file.refresh_from_db()
    assert (held_file.state, held_file.decided_by, held_file.image) == ("released", researcher, image)
    assert path
    assert not held_file.file


@pytest.mark.django_db(transaction=True)
def test_the_pixels_of_a_decided_file_are_gone_from_the_storage(researcher: User) -> None:
    released, discarded = make_held_file(), make_held_file()
    paths = [str(released.file.name), str(discarded.file.name)]

    release(released, by=researcher, reason="Nothing to be read.")
    discard(discarded, by=researcher, reason="A name.")

    assert not any(default_storage.exists(path) for path in paths)


@pytest.mark.django_db
def test_a_mask_makes_another_image_black_under_it_and_untouched_elsewhere(researcher: User) -> None:
    pixels = make_pixels() | np.uint8(1)
    held_file = make_held_file(pixels=pixels)

    image = release(held_file, by=researcher, reason="Name above.", mask=[Rectangle(4, 2, 10, 5)])

    shown = stored_pixels(image)
    covered = np.zeros(pixels.shape, dtype=bool)
    covered[2:7, 4:14] = True
    assert (shown[covered] == 0).all()
    assert np.array_equal(shown[~covered], pixels[~covered])
    assert image.pixel_sha256 != held_file.pixel_sha256
    assert image.provenance["derived_from"] == f"held file {held_file.pk}"
    assert image.provenance["masked"] == [[4, 2, 10, 5]]
    assert Event.objects.about(held_file).get().detail["mask"] == [[4, 2, 10, 5]]


@pytest.mark.django_db
def test_a_mask_over_all_of_it_leaves_the_file_on_the_desk(held_file: HeldFile, browser: Client) -> None:
    page = browser.post(
        held_file.get_absolute_url(), {"decision": "mask", "reason": "All.", "mask": "0,0,99,99"}
    )

    assert page.status_code == 422
    assert "even grey level" in page.content.decode()
    held_file.refresh_from_db()
    assert held_file.is_waiting
    assert not Image.objects.exists()
    assert not Event.objects.about(held_file).exclude(action="looked at origins").exists()


@pytest.mark.django_db
def test_of_two_people_only_the_first_decides(held_file: HeldFile, researcher: User, admin: User) -> None:
    late = HeldFile.objects.get(pk=held_file.pk)
    discard(held_file, by=researcher, reason="A name.")

    with pytest.raises(AlreadyDecidedError):
        release(late, by=admin, reason="Fine.")

    assert not Image.objects.exists()


@pytest.mark.django_db
def test_pixels_that_were_discarded_do_not_come_again_until_somebody_lets_them(
    tmp_path: Path, browser: Client, researcher: User
) -> None:
    path = in_a_file(screenshot(), tmp_path)
    brought(path)
    Dataset.objects.get().share_with(None, Part.OWNER)
    row = HeldFile.objects.get()
    discard(row, by=researcher, reason="A dose report.")

    again = brought(path)
    browser.post(reverse("pool:readmit_held_file", args=[row.pk]))
    afterwards = brought(path)

    assert [entry["reason"] for entry in again["refused"]] == [
        "A person discarded these pixels at the release desk: A dose report."
    ]
    assert [entry["file"] for entry in afterwards["held"]] == ["capture.dcm"]
    assert Event.objects.about(row).filter(action="let a discarded file come again").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("mask", [[], [Rectangle(0, 0, 5, 5)]], ids=["as it is", "masked"])
def test_a_file_on_the_desk_or_released_is_there_already(
    mask: list[Rectangle], tmp_path: Path, researcher: User
) -> None:
    path = in_a_file(screenshot(), tmp_path)
    brought(path)

    waiting = brought(path)
    release(HeldFile.objects.get(), by=researcher, reason="Fine.", mask=mask)
    released = brought(path)

    assert [len(report["duplicates"]) for report in (waiting, released)] == [1, 1]
    assert "on the release desk" in waiting["duplicates"][0]["same_as"]
    assert Image.objects.count() == HeldFile.objects.count() == 1


@pytest.mark.django_db
def test_whoever_only_looks_at_a_dataset_sees_none_of_what_it_holds_back(
    held_file: HeldFile, client_of: ClientOf, researcher: User
) -> None:
    held_file.dataset.memberships.all().delete()
    held_file.dataset.share_with(researcher, Part.VIEWER)
    viewer = client_of(researcher)

    assert viewer.get(held_file.get_absolute_url()).status_code == 404
    assert viewer.get(reverse("pool:held_image", args=[held_file.pk])).status_code == 404
    assert held_file.source_name not in viewer.get(reverse("pool:held_files")).content.decode()


@pytest.mark.django_db
def test_a_person_decides_on_the_page_and_comes_to_the_next(browser: Client) -> None:
    first, second = (make_held_file(dataset) for dataset in [make_dataset()] * 2)

    image = browser.get(reverse("pool:held_image", args=[first.pk]))
    answer = browser.post(
        first.get_absolute_url(), {"decision": "mask", "reason": "Name above.", "mask": "1, 2, 3, 4"}
    )

    assert image["Cache-Control"] == "private, no-store"
    assert np.array_equal(decode_png(image.content), stored(first))
    assert answer["Location"] == second.get_absolute_url()
    assert Image.objects.get().provenance["masked"] == [[1, 2, 3, 4]]
    assert browser.get(reverse("pool:held_image", args=[first.pk])).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "release"},
        {"decision": "", "reason": "Fine."},
        {"decision": "mask", "reason": "Fine."},
        {"decision": "release", "reason": "Fine.", "mask": "1,2,3,4"},
        {"decision": "mask", "reason": "Fine.", "mask": "words"},
    ],
)
def test_a_decision_needs_a_reason_and_a_mask_that_fits_it(
    fields: dict[str, str], held_file: HeldFile, browser: Client
) -> None:
    assert browser.post(held_file.get_absolute_url(), fields).status_code == 422
    held_file.refresh_from_db()
    assert held_file.is_waiting


@pytest.mark.django_db
def test_several_are_discarded_at_once_with_one_reason(browser: Client, researcher: User) -> None:
    rows = [make_held_file() for _ in range(3)]

    browser.post(
        reverse("pool:discard_held_files"),
        {"held_files": [str(row.pk) for row in rows[:2]], "reason": "Dose reports."},
    )

    assert [HeldFile.objects.get(pk=row.pk).state for row in rows] == ["discarded", "discarded", "waiting"]
    assert Event.objects.filter(action="discarded a held file", reason="Dose reports.").count() == 2


@pytest.mark.django_db
def test_of_several_those_decided_by_another_are_named_and_keep_back_no_other(
    browser: Client, admin: User, researcher: User
) -> None:
    rows = [make_held_file(source_name=f"{number}.dcm") for number in range(3)]
    release(rows[1], by=admin, reason="Fine.")

    page = browser.post(
        reverse("pool:discard_held_files"),
        {"held_files": [str(row.pk) for row in rows], "reason": "Dose reports."},
        follow=True,
    )

    assert [HeldFile.objects.get(pk=row.pk).state for row in rows] == ["discarded", "released", "discarded"]
    assert [str(message) for message in page.context["messages"]] == [
        "2 held files discarded.",
        "“1.dcm” has been decided already.",
    ]


@pytest.mark.django_db
def test_a_file_decided_by_another_between_choice_and_discard_is_named(admin: User, researcher: User) -> None:
    rows = [make_held_file(source_name=f"{number}.dcm") for number in range(2)]
    Dataset.objects.all()[0].share_with(researcher, Part.OWNER)
    form = DiscardSeveralForm({"held_files": [row.pk for row in rows], "reason": "No."}, person=researcher)
    assert form.is_valid()
    release(rows[0], by=admin, reason="Fine.")

    discards = form.discard_all(by=researcher)

    assert discards == ([rows[1]], [rows[0]])


@pytest.mark.django_db
def test_a_removed_dataset_takes_its_held_files_along(
    held_file: HeldFile, researcher: User, django_capture_on_commit_callbacks: Any
) -> None:
    make_image(held_file.dataset)
    path = str(held_file.file.name)

    with django_capture_on_commit_callbacks(execute=True):
        remove(held_file.dataset, by=researcher)

    assert not HeldFile.objects.exists()
    assert not default_storage.exists(path)


@pytest.mark.django_db
def test_the_list_of_outcomes_names_held_files_and_what_became_of_them(
    tmp_path: Path, browser: Client, researcher: User
) -> None:
    brought(*(in_a_file(screenshot(seed), tmp_path, f"{seed}.dcm") for seed in (1, 2, 3)))
    Dataset.objects.get().share_with(None, Part.OWNER)
    discard(HeldFile.objects.get(source_name="2.dcm"), by=researcher, reason="A name.")
    release(HeldFile.objects.get(source_name="3.dcm"), by=researcher, reason="Fine.")

    answer = browser.get(reverse("pool:import_outcomes", args=[ImportJob.objects.get().pk]))

    lines = b"".join(answer.streaming_content).decode().splitlines()[1:]  # type: ignore[attr-defined]  # it streams
    assert [line.split(",")[:2] for line in sorted(lines)] == [
        ["1.dcm", "held"],
        ["2.dcm", "discarded"],
        ["3.dcm", "noted"],
    ]


def test_rectangles_are_cut_to_the_image() -> None:
    assert rectangles_of("1, 2, 3, 4\n\n 5 6 900 900 ", width=20, height=30) == [(1, 2, 3, 4), (5, 6, 15, 24)]
    assert (masked(np.ones((4, 4), np.uint8), [Rectangle(1, 1, 2, 2)]).sum()) == 12


@pytest.mark.parametrize(
    "text",
    ["1,2,3", "a,b,c,d", "-1,2,3,4", "1,2,0,4", "20,0,5,5", "1,2,3,4\n" * 51, "1.5, 2.5", "0 0 123456"],
)
def test_what_is_no_rectangle_on_the_image_is_named(text: str) -> None:
    with pytest.raises(BadMaskError):
        rectangles_of(text, width=20, height=30)
