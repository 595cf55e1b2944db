"""What goes into a dataset, and what does not."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError

from pool.canonical.pixels import encode_png
from pool.canonical.previews import stored_pixels
from pool.imports.archives import ImportItem, Refusal, from_paths
from pool.imports.labels import NoLabels
from pool.imports.raster.kinds import ALLOWED
from pool.imports.store import DuplicatePixelsError, add_image, bring_in, patient_key
from pool.models import Dataset, Image
from tests.factories import make_dataset, make_image, make_pixels
from tests.pool.files import dicom_file, image_bytes, png_chunks, zipped

pytestmark = pytest.mark.django_db


def files_stored() -> set[str]:
    return set(_below("images"))


def _below(folder: str) -> Iterator[str]:
    if not default_storage.exists(folder):
        return
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from _below(f"{folder}/{name}")


def bring(dataset: Dataset, path: Path) -> list[object]:
    return list(bring_in(dataset, from_paths([ImportItem(path, path.name)], NoLabels())))


def lungrater_import(*words: str | Path) -> dict[str, object]:
    out = io.StringIO()
    call_command("import", *map(str, words), "--json", stdout=out)
    report: dict[str, object] = json.loads(out.getvalue())
    return report


def test_an_image_is_stored_as_bare_pixels_with_what_is_known_of_it() -> None:
    pixels = make_pixels(bits=16)

    image = make_image(
        make_dataset(origin="synthetic", modality="ct"), pixels=pixels, label="covid", patient="p1"
    )

    assert np.array_equal(stored_pixels(image), pixels)
    assert (image.origin, image.modality, image.label, image.bits) == ("synthetic", "ct", "covid", 16)
    with image.file.open("rb") as file:
        assert set(png_chunks(file.read())) == {"IHDR", "IDAT", "IEND"}
    assert image.pk.hex in str(image.file.name)


def test_the_same_pixels_go_in_once_and_leave_no_file() -> None:
    dataset, pixels = make_dataset(), make_pixels()
    first = add_image(dataset, pixels)
    before = files_stored()

    with pytest.raises(DuplicatePixelsError) as caught:
        add_image(dataset, pixels.copy())

    assert caught.value.image == first
    assert files_stored() == before
    assert add_image(make_dataset(), pixels).pk != first.pk


def test_a_full_disk_leaves_neither_row_nor_file(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, before = make_dataset(), files_stored()
    save = default_storage.save

    def half(name: str, content: object) -> str:
        save(name, content)  # type: ignore[arg-type]  # handed on as it came
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage._wrapped, "save", half, raising=False)  # type: ignore[attr-defined]  # LazyObject

    with pytest.raises(OSError, match="No space"):
        add_image(dataset, make_pixels())

    assert not dataset.images.exists()
    assert files_stored() == before


def test_a_row_that_fails_leaves_no_file() -> None:
    dataset, before = make_dataset(), files_stored()

    with pytest.raises(IntegrityError, match="image_split_known"):
        add_image(dataset, make_pixels(), split="both")

    assert files_stored() == before


def test_patients_are_kept_as_keys_that_tell_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slice.dcm"
    path.write_bytes(dicom_file(np.arange(1024, dtype=np.int16).reshape(32, 32)))
    dataset = make_dataset(modality="ct")

    [image] = bring(dataset, path)

    assert isinstance(image, Image)
    assert image.patient_key == patient_key("4711") != patient_key("4712")
    stored = json.dumps([image.provenance, image.source_name, image.patient_key])
    assert not [secret for secret in ("4711", "Mister", "20200101", "A Hospital") if secret in stored]
    assert patient_key("") == ""


def test_hostile_files_are_refused_one_by_one_and_the_others_go_in(shared_data: Path) -> None:
    dataset = make_dataset()
    with (shared_data / "hostile" / "manifest.csv").open(newline="") as file:
        expected = {row["file"]: row["expected"] for row in csv.DictReader(file)}

    outcomes = bring(dataset, shared_data / "hostile")

    refused = {outcome.file for outcome in outcomes if isinstance(outcome, Refusal)}
    assert refused == {
        name for name, what in expected.items() if what.startswith("reject") or name.endswith(".zip")
    } | {"manifest.csv"}
    images = Image.objects.filter(dataset=dataset)
    assert images.count() + len(refused) <= len(outcomes)
    for image in images:
        with image.file.open("rb") as file:
            assert set(png_chunks(file.read())) == {"IHDR", "IDAT", "IEND"}


def test_command_imports_the_xrays_with_the_labels_of_their_manifest(
    shared_data: Path, tmp_path: Path
) -> None:
    manifest = shared_data / "xray" / "manifest.csv"
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))[::12]
    part = tmp_path / "part.csv"
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    folder = tmp_path / "xray"
    folder.mkdir()
    for row in rows:
        (folder / row["file"]).symlink_to(shared_data / "xray" / row["file"])

    words: list[str | Path] = [
        folder,
        "--dataset",
        "NIH",
        "--origin",
        "real",
        "--modality",
        "xray",
        "--labels",
        part,
        "--licence",
        "CC BY",
    ]
    report, again = lungrater_import(*words), lungrater_import(*words)

    assert report == {"imported": len(rows), "notes": [], "duplicates": [], "refused": [], "held": []}
    dataset = Dataset.objects.get(name="NIH")
    labels = Counter(dataset.images.values_list("label", flat=True))
    assert labels == Counter(row["label"] for row in rows)
    assert len(set(dataset.images.values_list("patient_key", flat=True))) == len(
        {r["patient_group"] for r in rows}
    )
    assert dataset.licence == "CC BY"
    assert again["imported"] == 0
    assert len(again["duplicates"]) == len(rows)  # type: ignore[arg-type]  # a list, see above


def test_command_names_duplicates_and_refusals(tmp_path: Path) -> None:
    same = image_bytes()
    path = zipped({"a.png": same, "b/copy.png": same, "c.txt": b"hello"}, tmp_path / "z.zip")

    report = lungrater_import(path, "--dataset", "D", "--origin", "real", "--modality", "other")

    assert report == {
        "imported": 1,
        "duplicates": [{"file": "b/copy.png", "same_as": "a.png"}],
        "notes": [],
        "refused": [{"file": "c.txt", "reason": f"Not an allowed image type: {ALLOWED}."}],
        "held": [],
    }


def test_the_same_files_again_with_a_csv_are_told_what_was_left_open(tmp_path: Path) -> None:
    folder = tmp_path / "xrays"
    folder.mkdir()
    (folder / "a.png").write_bytes(image_bytes(seed=1))
    (folder / "b.png").write_bytes(image_bytes(seed=2))
    table = tmp_path / "table.csv"
    words = (folder, "--dataset", "D", "--origin", "real", "--modality", "xray", "--labels")
    table.write_text("file,label,patient,split\na.png,normal,P1,test\nb.png,,P2,\n")
    lungrater_import(*words, "none")
    Image.objects.filter(source_name="b.png").update(label="opacity")

    again, third = lungrater_import(*words, table), lungrater_import(*words, table)

    assert again["duplicates"] == [
        {"file": "a.png", "same_as": "a.png", "added": "finding, patient, split"},
        {"file": "b.png", "same_as": "b.png", "added": "patient"},
    ]
    told = Image.objects.order_by("source_name").values_list("label", "patient_key", "split")
    assert list(told) == [("normal", patient_key("P1"), "test"), ("opacity", patient_key("P2"), "")]
    assert not any("added" in entry for entry in third["duplicates"])  # type: ignore[attr-defined]  # a list


def test_a_folder_without_images_leaves_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(CommandError, match="No image was imported"):
        lungrater_import(tmp_path, "--dataset", "Wrong", "--origin", "real", "--modality", "xray")

    assert not Dataset.objects.exists()


def test_command_says_in_words_what_happened(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(image_bytes())
    (tmp_path / "b.png").write_bytes(b"")
    out = io.StringIO()

    call_command(
        "import", str(tmp_path), "--dataset", "D", "--origin", "real", "--modality", "ct", stdout=out
    )

    assert "1 imported into “D”, 0 there already, 1 refused." in out.getvalue()
    assert "b.png: The file is empty." in out.getvalue()


@pytest.mark.parametrize(
    ("words", "why", "code"),
    [
        (["--origin", "synthetic"], "is real, not synthetic", 2),
        (["--labels", "nowhere.csv"], "Cannot read the labels", 2),
        ([], "No image was imported", 1),
    ],
)
def test_command_fails_in_one_sentence(tmp_path: Path, words: list[str], why: str, code: int) -> None:
    make_dataset("D")
    options = ["--dataset", "D", "--origin", "real", "--modality", "xray", *words]

    with pytest.raises(CommandError, match=why) as caught:
        call_command("import", str(tmp_path), *options, stdout=io.StringIO())

    assert caught.value.returncode == code


def test_colour_stays_in_a_microscopy_dataset_only(tmp_path: Path) -> None:
    path = tmp_path / "cells.png"
    path.write_bytes(encode_png(np.dstack([make_pixels(), make_pixels(), make_pixels()])))  # type: ignore[arg-type]  # uint8
    cells, films = make_dataset(modality="microscopy"), make_dataset()

    bring(cells, path)
    bring(films, path)

    assert stored_pixels(cells.images.get()).ndim == 3
    assert stored_pixels(films.images.get()).ndim == 2


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")

    [outcome] = bring(make_dataset(), tmp_path)

    assert outcome == Refusal("gone.png", "Not a regular file.")
