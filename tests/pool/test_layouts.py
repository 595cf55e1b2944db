"""Tables and folders of public data sets, each in a few rows that this test writes itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pool.imports.archives import ImportItem, Source, from_paths
from pool.imports.labels import Facts, FolderLabels, Labels, NoRowError
from pool.imports.tables import read_table

NIH = """Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height]
00000001_000.png,Cardiomegaly|Emphysema,0,1,058Y,M,PA,2682,2749
00000002_000.png,No Finding,0,2,081Y,M,AP,2500,2048
"""
CHEXPERT = """Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Cardiomegaly,Edema,Pleural Effusion
CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,0.0
CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,1.0,-1.0,1.0
"""
MIMIC = """subject_id,study_id,Atelectasis,Edema,No Finding
10000032,50414267,,,1.0
10000764,57375967,1.0,-1.0,
"""
RSNA = """patientId,x,y,width,height,Target
0004cfab-14fd,,,,,0
00436515-870c,264.0,152.0,213.0,379.0,1
00436515-870c,562.0,152.0,256.0,453.0,1
"""
RSNA_CLASSES = """patientId,class
0004cfab-14fd,No Lung Opacity / Not Normal
00436515-870c,Lung Opacity
00436515-870c,Lung Opacity
"""
VINDR = """image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max
50a418,No finding,14,R11,,,,
9a5094,Cardiomegaly,3,R8,691,1375,1653,1831
9a5094,Aortic enlargement,0,R9,1264,743,1611,1019
9a5094,Cardiomegaly,3,R9,691,1375,1653,1831
"""
SIIM = """ImageId, EncodedPixels
1.2.276.0.1, -1
1.2.276.0.2,387620 23 996 33
"""
HUGGING_FACE = '{"file_name": "0001.png", "label": "opacity"}\n{"file_name": "0002.png", "label": null}\n'


def facts(text: str, name: str) -> Facts:
    return read_table(text.encode(), "t.csv").of(name)


def test_nih_chest_xray14() -> None:
    first = facts(NIH, "images_001/images/00000001_000.png")

    assert (first.label, first.patient, first.view) == ("Cardiomegaly|Emphysema", "1", "PA")


def test_chexpert_leaves_out_what_is_uncertain_and_says_so() -> None:
    first = facts(CHEXPERT, "train/patient00001/study1/view1_frontal.jpg")
    second = facts(CHEXPERT, "train/patient00002/study2/view1_frontal.jpg")

    assert (first.label, second.label) == ("No Finding", "Cardiomegaly|Pleural Effusion")
    assert first.split == "train"
    assert "Edema" in second.notes[0].text


def test_mimic_cxr_names_studies_and_not_files() -> None:
    study = facts(MIMIC, "files/p10/p10000764/s57375967/096052b7-d256dc40.jpg")

    assert (study.label, study.patient) == ("Atelectasis", "10000764")
    with pytest.raises(NoRowError, match="no study"):
        facts(MIMIC, "files/p10/p1/s99999999/a.jpg")


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        (RSNA, ("No Lung Opacity", "Lung Opacity")),
        (RSNA_CLASSES, ("No Lung Opacity / Not Normal", "Lung Opacity")),
    ],
)
def test_rsna_pneumonia(table: str, labels: tuple[str, str]) -> None:
    names = ("0004cfab-14fd.dcm", "00436515-870c.dcm")

    assert tuple(facts(table, name).label for name in names) == labels


def test_vindr_keeps_its_radiologists() -> None:
    nothing, enlarged = facts(VINDR, "50a418.dicom"), facts(VINDR, "9a5094.dicom")

    assert nothing.label == "No finding"
    assert enlarged.readers == {"R8": "Cardiomegaly", "R9": "Aortic enlargement|Cardiomegaly"}
    assert enlarged.label == "Cardiomegaly"


def test_siim_pneumothorax() -> None:
    assert [facts(SIIM, f"1.2.276.0.{number}.dcm").label for number in (1, 2)] == [
        "No Pneumothorax",
        "Pneumothorax",
    ]


def test_hugging_face_image_folder_with_its_lines_of_json() -> None:
    first, second = facts(HUGGING_FACE, "train/0001.png"), facts(HUGGING_FACE, "test/0002.png")

    assert (first.label, first.split) == ("opacity", "train")
    assert (second.label, second.split) == ("", "test")


def sources(path: Path, labels: Labels) -> list[tuple[str, str, str]]:
    return [
        (source.name, source.facts.label, source.facts.split)
        for source in from_paths([ImportItem(path, path.name)], labels)
        if isinstance(source, Source)
    ]


def test_kaggle_and_covid_radiography_folders(tmp_path: Path) -> None:
    for name in (
        "train/NORMAL/1.jpeg",
        "val/PNEUMONIA/2.jpeg",
        "test/PNEUMONIA/3.jpeg",
        "Viral Pneumonia/images/4.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    assert set(sources(tmp_path, FolderLabels())) == {
        ("train/NORMAL/1.jpeg", "NORMAL", "train"),
        ("val/PNEUMONIA/2.jpeg", "PNEUMONIA", "train"),
        ("test/PNEUMONIA/3.jpeg", "PNEUMONIA", "test"),
        ("Viral Pneumonia/images/4.png", "Viral Pneumonia", ""),
    }


def test_one_flat_folder_is_the_class_of_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "covid").mkdir()
    (tmp_path / "covid" / "1.png").write_bytes(b"x")

    assert sources(tmp_path / "covid", FolderLabels()) == [("1.png", "covid", "")]


def test_medmnist(tmp_path: Path) -> None:
    images = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    np.savez(
        tmp_path / "pneumoniamnist.npz",
        train_images=images[:2],
        train_labels=[[1], [0]],
        test_images=images[2:],
        test_labels=[[1]],
    )

    assert sources(tmp_path / "pneumoniamnist.npz", FolderLabels()) == [
        ("train/1/00001.png", "1", "train"),
        ("train/0/00002.png", "0", "train"),
        ("test/1/00001.png", "1", "test"),
    ]


@pytest.mark.parametrize("dtype", [object, np.float64])
def test_an_npz_of_something_else_is_refused(tmp_path: Path, dtype: type) -> None:
    np.savez(tmp_path / "a.npz", train_images=np.zeros((2, 28, 28), dtype=dtype))

    assert sources(tmp_path / "a.npz", FolderLabels()) == []
