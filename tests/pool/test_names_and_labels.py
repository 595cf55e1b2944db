"""Names and tables as people write them: matched where that is unambiguous, named where it is not."""

from __future__ import annotations

import contextlib
import os
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Literal

import py7zr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.imports.archives import ImportItem, Refusal, Source, from_paths
from pool.imports.labels import BadSourceError, Facts, FolderLabels, Labels, NoLabels, NoRowError
from pool.imports.spelling import spelled
from pool.imports.tables import read_table


def table(text: str | bytes) -> Labels:
    return read_table(text if isinstance(text, bytes) else text.encode(), "t.csv")


def sources(*paths: Path, labels: Labels | None = None) -> list[Source | Refusal]:
    return list(from_paths([ImportItem(path, path.name) for path in paths], labels or NoLabels()))


@pytest.mark.parametrize(
    ("row", "file"),
    [
        ("a.png", "set/a.png"),
        ("set/a.png", "a.png"),
        ("/home/me/set/a.png", "set/a.png"),
        ("C:\\Users\\me\\set\\a.png", "set/a.png"),
        (".\\set\\a.png", "set/a.png"),
        ("A.PNG", "a.png"),
        ("a", "a.png"),
        ("a.dcm", "a.png"),
        ("ko\u0308rper.png", "k\u00f6rper.png"),
        ("1.2.840.113", "1.2.840.113.dcm"),
    ],
)
def test_a_row_and_a_file_are_the_same_image(row: str, file: str) -> None:
    facts = table(f"file,label\n{row},x\n").of(file)

    assert (facts.label, facts.notes) == ("x", ())


def test_a_row_of_another_folder_is_taken_by_name_with_a_note() -> None:
    facts = table("file,label\nimages_001/a.png,x\n").of("all/a.png")

    assert facts.label == "x"
    assert [note.code for note in facts.notes] == ["label"]


def test_the_nearer_of_two_rows_is_taken() -> None:
    labels = table("file,label\nx/a.png,one\ny/a.png,two\na.jpg,three\n")

    assert labels.of("set/y/a.png").label == "two"
    assert labels.of("a.jpg").label == "three"


def test_rows_that_are_equally_near_are_named_and_none_is_taken() -> None:
    with pytest.raises(NoRowError, match=r"2 rows of t\.csv may stand for this file"):
        table("file,label\nx/a.png,one\ny/a.png,two\n").of("z/a.png")


@pytest.mark.parametrize(
    "text",
    [
        "file\tlabel\na.png\tx\n",
        "sep=;\nfile;label\na.png;x\n",
        "file|label\na.png|x\n",
        "\ufefffile,label\na.png,x\n",
        "File Name,Finding Labels\na.png,x\n",
        "\nfile,label\r\na.png,x\r\n",
        "file,label\ra.png,x\r",
        "file,label,\na.png,x,\n,,\n",
        '"file","label"\n"a.png","x"\n',
    ],
)
def test_usual_dialects_of_tables_are_read(text: str) -> None:
    assert table(text).of("a.png").label == "x"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_a_spreadsheets_encoding_is_read(encoding: str) -> None:
    assert (
        table("file,label\na.png,Lungenentzündung\n".encode(encoding)).of("a.png").label == "Lungenentzündung"
    )


@pytest.mark.parametrize("missing", ["NA", "n/a", "nan", "", "NULL"])
def test_what_is_missing_is_no_label(missing: str) -> None:
    assert table(f"file,label\na.png,{missing}\n").of("a.png").label == ""


def test_one_row_a_finding_is_one_label_with_all_of_them() -> None:
    labels = table("image_id,class_name,x_min,y_min\na,Mass,1,1\na,Effusion,2,2\na,Mass,3,3\n")

    assert labels.of("a.png").label == "Mass|Effusion"


def test_several_readers_are_kept_and_most_of_them_decide() -> None:
    facts = table("file,label,reader\na.png,x,R1\na.png,x,R2\na.png,y,R3\n").of("a.png")

    assert facts.label == "x"
    assert facts.readers == {"R1": "x", "R2": "x", "R3": "y"}
    assert [note.code for note in facts.notes] == ["label"]


def test_rows_that_contradict_each_other_refuse_the_file() -> None:
    with pytest.raises(NoRowError, match="differ in the label"):
        table("file,label\na.png,x\na.png,y\n").of("a.png")


def test_a_patient_of_number_nought_is_one_where_patients_are_numbered() -> None:
    numbered = table("file,label,patient\na.png,x,0\nb.png,x,1\n")
    all_nought = table("file,label,patient\na.png,x,0\nb.png,x,0\n")

    assert numbered.of("a.png").patient == "0"
    assert all_nought.of("a.png").patient == ""


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_row_and_any_file_are_matched_or_named(row: str, file: str) -> None:
    cell = row.replace('"', "")

    with contextlib.suppress(BadSourceError, NoRowError):
        assert table(f'file,label\n"{cell}",x\n').of(file).label == "x"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Lungenentzündung/größe", "cp437"),
        ("Lungenentzündung/größe", "cp1252"),
        ("poumon/fièvre", "cp850"),
        ("肺炎/正常胸部", "gb18030"),
        ("肺がん/せいじょう", "cp932"),
        ("пневмония/норма", "cp1251"),
        ("пневмония/норма", "cp866"),
        ("Lungenentzündung/肺炎", "utf-8"),
    ],
)
def test_names_are_read_in_the_encoding_they_were_written_in(text: str, encoding: str) -> None:
    assert spelled([text.encode(encoding)])[1] == [text]


def as_zip(path: Path, name: str, encoding: str) -> Path:
    """A zip of one file that does not say how its name is written."""
    raw = name.encode(encoding)
    stand_in = "x" * len(raw)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(stand_in, b"image")
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), raw))
    return path


def test_a_zip_of_another_code_page_is_noted(tmp_path: Path) -> None:
    [source] = sources(as_zip(tmp_path / "z.zip", "größe/a.png", "cp850"), labels=FolderLabels())

    assert isinstance(source, Source)
    assert source.facts.label == "größe"
    assert [note.code for note in source.notes] == ["names"]


def test_a_folder_of_images_beside_masks_is_its_class(tmp_path: Path) -> None:
    for name in ("COVID/images/1.png", "COVID/masks/1.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"x")

    first, second = sources(tmp_path / "set", labels=FolderLabels())

    assert isinstance(first, Source)
    assert first.facts == Facts("COVID")
    assert isinstance(second, Refusal)
    assert "masks" in second.reason


def tar_of(path: Path, mode: Literal["w", "w:gz", "w:bz2"], **files: bytes) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("mode", "name"), [("w", "a.tar"), ("w:gz", "a.tgz"), ("w:bz2", "a.tar.bz2"), ("w:gz", "without-ending")]
)
def test_a_tar_is_a_folder(tmp_path: Path, mode: Literal["w", "w:gz", "w:bz2"], name: str) -> None:
    path = tar_of(tmp_path / name, mode, covid__a=os.urandom(5000))

    members = [
        (source.name, source.facts.label, len(source.read()))
        for source in from_paths([ImportItem(path, name)], FolderLabels())
        if isinstance(source, Source)
    ]

    assert members == [("covid/a", "covid", 5000)]


def test_what_is_unsafe_in_a_tar_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("../out", tarfile.REGTYPE),
            ("/etc/x", tarfile.REGTYPE),
            ("link", tarfile.SYMTYPE),
            ("pipe", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)

    reasons = [outcome.reason for outcome in sources(path) if isinstance(outcome, Refusal)]

    assert reasons == ["The path leads out of the tar."] * 2 + ["A link, not a file.", "Not a regular file."]


def test_a_tar_that_unpacks_to_many_times_its_size_is_not(tmp_path: Path) -> None:
    [refusal] = sources(tar_of(tmp_path / "a.tgz", "w:gz", a=bytes(50 * 2**20)))

    assert isinstance(refusal, Refusal)
    assert "times its size" in refusal.reason


def test_a_7z_is_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writestr(b"image", "covid/a.png")

    [source] = [
        (source.name, source.facts.label, source.read())
        for source in from_paths([ImportItem(path, "a.7z")], FolderLabels())
        if isinstance(source, Source)
    ]

    assert source == ("covid/a.png", "covid", b"image")


def test_a_7z_that_is_broken_or_locked_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(50))
    with py7zr.SevenZipFile(tmp_path / "locked.7z", "w", password="x") as archive:
        archive.writestr(b"image", "a.png")

    broken, locked = sources(tmp_path / "broken.7z", tmp_path / "locked.7z")

    assert isinstance(broken, Refusal)
    assert isinstance(locked, Refusal)
    assert "cannot be opened" in broken.reason
    assert "password" in locked.reason


def test_a_zip_without_its_ending_is_opened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "download", "w") as archive:
        archive.writestr("a.png", b"x")

    assert [source.name for source in sources(tmp_path / "download") if isinstance(source, Source)] == [
        "a.png"
    ]


def test_the_index_of_a_disc_stands_for_the_files_beside_it(tmp_path: Path) -> None:
    for name in ("DICOMDIR", "DICOM/IM0001", "DICOM/IM0002"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    names = [
        [source.name for source in sources(path) if isinstance(source, Source)]
        for path in (tmp_path / "DICOMDIR", tmp_path)
    ]

    assert names == [["DICOM/IM0001", "DICOM/IM0002"]] * 2
