"""Public data sets by name: their tables are looked for in what is given, each set in a few files written here."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from pool.imports.archives import ImportItem, Source, from_paths
from pool.imports.labels import BadSourceError
from pool.imports.public_layouts import AUTO, LAYOUTS, Reading, read_layout
from pool.models import Dataset, ImportJob
from tests.pool.files import image_bytes
from tests.pool.odd import brought, labels_by_name
from tests.pool.test_layouts import CHEXPERT, HUGGING_FACE, MIMIC, NIH, RSNA, RSNA_CLASSES, SIIM, VINDR

CHEXPERT_VALID = CHEXPERT.replace("/train/", "/valid/").replace("1.0,,,0.0", ",,,1.0")
# Of each layout: the files that tell, images beside them, and what of each is known then: finding and split.
SETS: dict[str, tuple[dict[str, str], dict[str, tuple[str, str]]]] = {
    "nih": (
        {
            "Data_Entry_2017_v2020.csv": NIH,
            "train_val_list.txt": "00000001_000.png\n",
            "test_list.txt": "00000002_000.png\n",
        },
        {
            "images_001/images/00000001_000.png": ("Cardiomegaly|Emphysema", "train"),
            "images_001/images/00000002_000.png": ("No Finding", "test"),
        },
    ),
    "chexpert": (
        {"train.csv": CHEXPERT, "valid.csv": CHEXPERT_VALID},
        {
            "train/patient00001/study1/view1_frontal.jpg": ("No Finding", "train"),
            "valid/patient00001/study1/view1_frontal.jpg": ("Pleural Effusion", "train"),
        },
    ),
    "mimic": (
        {"mimic-cxr-2.0.0-chexpert.csv": MIMIC},
        {"files/p10/p10000764/s57375967/a.jpg": ("Atelectasis", "")},
    ),
    "rsna": (
        {"stage_2_train_labels.csv": RSNA, "stage_2_detailed_class_info.csv": RSNA_CLASSES},
        {
            "stage_2_train_images/0004cfab-14fd.dcm": ("No Lung Opacity", ""),
            "stage_2_train_images/00436515-870c.dcm": ("Lung Opacity", ""),
        },
    ),
    "vindr": (
        {"train.csv": VINDR},
        {"train/9a5094.dicom": ("Cardiomegaly", "train")},
    ),
    "siim": ({"train-rle.csv": SIIM}, {"dicom/1.2.276.0.2.dcm": ("Pneumothorax", "")}),
    "imagefolder": (
        {
            "train/metadata.jsonl": HUGGING_FACE,
            "test/metadata.jsonl": HUGGING_FACE.replace("opacity", "clear"),
        },
        {"train/0001.png": ("opacity", "train"), "test/0001.png": ("clear", "test")},
    ),
    "covid19-radiography": (
        {},
        {"COVID/images/1.png": ("COVID", ""), "Viral Pneumonia/images/2.png": ("Viral Pneumonia", "")},
    ),
    "kaggle": (
        {},
        {
            "chest_xray/train/NORMAL/1.jpeg": ("NORMAL", "train"),
            "chest_xray/test/PNEUMONIA/2.jpeg": ("PNEUMONIA", "test"),
        },
    ),
}


def written(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def in_a_zip(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def in_a_tar(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / "set.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def files_of(name: str) -> dict[str, bytes]:
    tables, images = SETS[name]
    texts = {path: text.encode() for path, text in tables.items()}
    return {**dict.fromkeys(images, b"x"), **texts}


def facts_by_file(reading: Reading, items: list[ImportItem]) -> dict[str, tuple[str, str]]:
    """Finding and split of each file that would be imported; tables are none of them."""
    sources = list(from_paths(items, reading.labels, tables=reading.tables))
    assert all(isinstance(source, Source) for source in sources), sources
    return {
        source.name: (source.facts.label, source.facts.split)
        for source in sources
        if isinstance(source, Source)
    }


def one_item(path: Path) -> list[ImportItem]:
    return [ImportItem(path, path.name)]


@pytest.mark.parametrize("packed", [written, in_a_zip, in_a_tar], ids=["folder", "zip", "tar"])
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("choice", ["by name", AUTO])
def test_the_table_is_found_in_what_is_given(
    choice: str, name: str, packed: Callable[[dict[str, bytes], Path], Path], tmp_path: Path
) -> None:
    items = one_item(packed(files_of(name), tmp_path))

    reading = read_layout(name if choice == "by name" else AUTO, items)

    assert reading.layout == name
    assert facts_by_file(reading, items) == SETS[name][1]


@pytest.mark.parametrize("choice", ["medmnist", AUTO])
def test_medmnist(choice: str, tmp_path: Path) -> None:
    path = tmp_path / "pneumoniamnist.npz"
    np.savez(path, test_images=np.zeros((1, 28, 28), np.uint8), test_labels=[[1]])

    reading = read_layout(choice, one_item(path))

    assert facts_by_file(reading, one_item(path)) == {"test/1/00001.png": ("1", "test")}


def test_the_table_may_be_given_beside_the_archives(tmp_path: Path) -> None:
    table = written({"Data_Entry_2017.csv": NIH.encode()}, tmp_path) / "Data_Entry_2017.csv"
    archives = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        archives.append(
            in_a_zip({f"images/0000000{number}_000.png": b"x"}, folder).rename(folder / f"{number}.zip")
        )
    items = [ImportItem(path, path.name) for path in (table, *archives)]

    facts = facts_by_file(read_layout("nih", items), items)

    assert [label for label, _ in facts.values()] == ["Cardiomegaly|Emphysema", "No Finding"]


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.tables])
def test_a_layout_without_its_table_is_refused_by_name(name: str, tmp_path: Path) -> None:
    folder = written({"a.png": b"x", "labels.csv": b"file,label\na.png,normal\n"}, tmp_path)

    with pytest.raises(BadSourceError, match="holds no table of"):
        read_layout(name, one_item(folder))


def test_a_folder_of_no_known_layout_is_not_guessed_at(tmp_path: Path) -> None:
    folder = written({"a/1.png": b"x", "b/2.png": b"x"}, tmp_path)

    with pytest.raises(BadSourceError, match="None of the layouts"):
        read_layout(AUTO, one_item(folder))


@pytest.mark.django_db
def test_the_command_reads_a_set_by_its_layout(tmp_path: Path) -> None:
    files = {
        "images/00000001_000.png": image_bytes(seed=1),
        "images/00000002_000.png": image_bytes(seed=2),
        "Data_Entry_2017.csv": NIH.encode(),
    }

    report = brought(written(files, tmp_path), layout="auto")

    assert (report["imported"], report["refused"]) == (2, [])
    assert labels_by_name() == {
        "images/00000001_000.png": "Cardiomegaly|Emphysema",
        "images/00000002_000.png": "No Finding",
    }
    assert ImportJob.objects.get().layout == "nih"


@pytest.mark.django_db
def test_a_layout_beside_labels_is_refused(tmp_path: Path) -> None:
    assert "leave --labels out" in brought(tmp_path, layout="nih", labels="folder")["error"]


@pytest.mark.django_db
def test_the_form_takes_the_same_set(
    tmp_path: Path, client_of: Callable[[User], Client], researcher: User
) -> None:
    files = {"COVID/images/1.png": image_bytes(seed=1), "Lung_Opacity/images/2.png": image_bytes(seed=2)}
    data = in_a_zip(files, tmp_path).read_bytes()
    fields = {"name": "New", "origin": "real", "modality": "xray", "labels": "none", "layout": "auto"}

    client_of(researcher).post(
        reverse("pool:upload"), {**fields, "uploads": SimpleUploadedFile("set.zip", data)}
    )
    ImportJob.objects.get().perform()

    assert Dataset.objects.get().images.count() == 2
    assert set(labels_by_name().values()) == {"COVID", "Lung_Opacity"}
    assert ImportJob.objects.get().layout == "covid19-radiography"
