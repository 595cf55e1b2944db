"""Folders, zips and files become a list of sources and refusals, and nothing else."""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.canonical.texts import file_name
from pool.imports.archives import ImportItem, Refusal, Source, UnreadableError, count, from_paths, members
from pool.imports.decoding import MAX_FILE_BYTES
from pool.imports.labels import (
    ROW_WITHOUT_FILE,
    BadSourceError,
    Facts,
    FolderLabels,
    Labels,
    NoLabels,
    NoRowError,
)
from pool.imports.tables import TableLabels, read_table
from tests.pool.files import image_bytes, zipped


def taken_in(
    *paths: Path, labels: Labels | None = None, skip: Path | None = None
) -> tuple[list[Source], dict[str, str]]:
    """What may be imported, and what is refused with which reason; every source is read once."""
    taken: list[Source] = []
    refused: dict[str, str] = {}
    for item in from_paths([ImportItem(path, path.name) for path in paths], labels or NoLabels(), skip=skip):
        if isinstance(item, Refusal):
            refused[item.file] = item.reason
            continue
        try:
            item.read()
            taken.append(item)
        except UnreadableError as error:
            refused[item.name] = str(error)
    return taken, refused


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"image " + name.encode())
    return root


def test_folders_name_the_finding_and_the_split(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "train/covid/a.png", "test/normal/deep/b.png", "c.png", ".DS_Store")

    taken, refused = taken_in(root, labels=FolderLabels())

    assert refused == {}
    assert {source.name: (source.facts.label, source.facts.split) for source in taken} == {
        "c.png": ("", ""),
        "train/covid/a.png": ("covid", "train"),
        "test/normal/deep/b.png": ("deep", "test"),
    }


def test_a_zip_is_a_folder(tmp_path: Path) -> None:
    archive = zipped(
        {"set/covid/a.png": b"a", "__MACOSX/set/covid/._a.png": b"x", "b.png": b"b"}, tmp_path / "z.zip"
    )

    taken, refused = taken_in(archive, labels=FolderLabels())

    assert refused == {}
    assert [(source.name, source.facts.label) for source in taken] == [
        ("set/covid/a.png", "covid"),
        ("b.png", ""),
    ]
    assert count([ImportItem(archive, "z.zip")]) == 2


def test_several_things_at_once_keep_their_files_apart(tmp_path: Path) -> None:
    zips = [zipped({"covid/a.png": b"a"}, tmp_path / name) for name in ("one.zip", "two.zip")]
    single = tmp_path / "b.png"
    single.write_bytes(b"b")

    taken, _ = taken_in(*zips, single, labels=FolderLabels())

    assert [source.name for source in taken] == ["one.zip/covid/a.png", "two.zip/covid/a.png", "b.png"]
    assert [source.facts.label for source in taken] == ["covid", "covid", ""]


def test_rows_without_files_and_files_without_rows_are_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "a.png", "b.png")
    table = root / "manifest.csv"
    table.write_text(
        "file,label,patient_group,split,view,licence\na.png,covid,p1,test,PA,CC BY\ngone.png,normal,,,,\n"
    )

    taken, refused = taken_in(root, labels=read_table(table.read_bytes(), table.name), skip=table)

    assert [(source.name, source.facts) for source in taken] == [
        ("a.png", Facts("covid", "p1", "test", "PA", "CC BY"))
    ]
    assert refused == {
        "b.png": "The file has no row in manifest.csv.",
        "gone.png": ROW_WITHOUT_FILE,
    }


def test_rows_may_give_the_whole_path_or_its_end(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "x/a.png", "y/b.png")
    labels = read_table(b"file;label\n./x/a.png;one\nb.png;two\n", "t.csv")

    taken, refused = taken_in(root, labels=labels)

    assert refused == {}
    assert [source.facts.label for source in taken] == ["one", "two"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("a.png,one,\na.png,two,", "more than one row"),
        ("a.png,one,holdout", "neither train nor test"),
        (f"a.png,{'x' * 301},", "longer than 300"),
    ],
)
def test_a_row_that_cannot_be_believed_refuses_its_file(tmp_path: Path, rows: str, why: str) -> None:
    root = folder(tmp_path / "set", "a.png")

    taken, refused = taken_in(root, labels=read_table(f"file,label,split\n{rows}\n".encode(), "t.csv"))

    assert taken == []
    assert why in refused["a.png"]


def test_one_row_does_not_stand_for_two_files(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "x/a.png", "y/a.png")

    taken, refused = taken_in(root, labels=read_table(b"file,label\na.png,one\n", "t.csv"))

    assert [source.name for source in taken] == ["x/a.png"]
    assert refused["y/a.png"] == "The row “a.png” of t.csv already stands for x/a.png."


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no column file and no column label"),
        (b"title,label\n", "no column file"),
        (b"\xff\xd8\xff\xe0 an image", "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_findings_is_turned_away(data: bytes, why: str) -> None:
    with pytest.raises(BadSourceError, match=why):
        read_table(data, "t.csv")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_turned_away(data: bytes) -> None:
    with contextlib.suppress(BadSourceError):
        table = read_table(b"file,label\n" + data, "t.csv")
        assert isinstance(table, TableLabels)
        assert set(table.unused()) == {*table.rows, *table.bad}


def test_hostile_zip_gives_its_one_good_file(shared_data: Path) -> None:
    taken, refused = taken_in(shared_data / "hostile" / "zip_slip_symlink.zip")

    assert [source.name for source in taken] == ["ok.png"]
    assert refused == {
        "../../evil.png": "The path leads out of the zip.",
        "/abs.png": "The path leads out of the zip.",
        "link.png": "A link, not a file.",
    }


@pytest.mark.parametrize(
    ("name", "why"), [("zip_bomb_300MB.zip", "times its size"), ("zip_20001_files.zip", "20001 files")]
)
def test_hostile_zip_is_refused_whole(shared_data: Path, name: str, why: str) -> None:
    taken, refused = taken_in(shared_data / "hostile" / name)

    assert taken == []
    assert why in refused[name]


def test_a_zip_that_lies_about_its_size_is_stopped_while_reading(tmp_path: Path) -> None:
    archive = zipped({"a.png": b"\0" * 5000}, tmp_path / "z.zip")
    lying = archive.read_bytes().replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(lying)

    taken, refused = taken_in(archive)

    assert taken == []
    assert "a.png" in refused


def test_what_a_zip_unpacks_to_is_counted_while_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped({"a.png": image_bytes(), "b.png": image_bytes()}, tmp_path / "z.zip")
    monkeypatch.setattr(members, "too_much", lambda *_: "")
    monkeypatch.setattr(members, "MAX_UNPACKED", len(image_bytes()) + 100)

    taken, refused = taken_in(archive)

    assert [source.name for source in taken] == ["a.png"]
    assert "unpacks to more than" in refused["b.png"]


def test_unsafe_members_are_each_refused_with_a_reason(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    members: dict[str | zipfile.ZipInfo, bytes] = {link: b"/etc/passwd", "ok.png": b"x"}
    members |= {"C:\\evil.png": b"x", "a\\..\\..\\evil.png": b"x"}

    taken, refused = taken_in(zipped(members, tmp_path / "z.zip"))

    assert [source.name for source in taken] == ["ok.png"]
    assert sorted(refused.values()) == ["A link, not a file.", *["The path leads out of the zip."] * 2]


def test_a_zip_refused_among_others_goes_by_its_own_name(tmp_path: Path) -> None:
    broken = tmp_path / "z.zip"
    broken.write_bytes(b"")

    assert set(taken_in(broken, zipped({"a.png": b"a"}, tmp_path / "y.zip"))[1]) == {"z.zip"}


def test_a_zip_inside_is_not_opened(tmp_path: Path) -> None:
    inner = zipped({"a.png": b"a"}, tmp_path / "inner.zip").read_bytes()

    taken, refused = taken_in(zipped({"inner.zip": inner, "b.png": b"b"}, tmp_path / "outer.zip"))

    assert [source.name for source in taken] == ["b.png"]
    assert refused == {"inner.zip": "A zip inside is not opened; import it by itself."}


def test_a_broken_zip_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "z.zip"
    broken.write_bytes(b"PK\x03\x04 nothing more")

    assert "cannot be opened" in taken_in(broken)[1]["z.zip"]


def test_a_damaged_member_is_refused_and_the_rest_goes_in(tmp_path: Path) -> None:
    archive = zipped({"a.png": b"good" * 50, "b.png": bytes(range(256))}, tmp_path / "z.zip")
    data = bytearray(archive.read_bytes())
    place = data.index(bytes(range(200, 256)))
    data[place : place + 20] = bytes(20)
    archive.write_bytes(data)

    taken, refused = taken_in(archive)

    assert [source.name for source in taken] == ["a.png"]
    assert "damaged at this file" in refused["b.png"]


def test_a_pipe_in_a_folder_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    assert taken_in(tmp_path)[1] == {"a.png": "Not a regular file."}


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    assert "larger than 256 MB" in taken_in(tmp_path)[1]["a.png"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSourceError, match="no file or folder"):
        taken_in(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["a\x00b.png", "\udcff.png", "x" * 300])
def test_any_name_becomes_one_a_database_takes(name: str) -> None:
    tidy = file_name(name)

    assert len(tidy.encode()) <= 1020
    assert len(tidy) <= 255
    assert "\x00" not in tidy


def test_no_labels_say_nothing() -> None:
    assert NoLabels().of("covid/a.png") == Facts()


def test_folder_names_that_are_too_long_are_refused() -> None:
    with pytest.raises(NoRowError, match="longer than 300"):
        FolderLabels().of(f"{'x' * 301}/a.png")


def test_a_member_without_a_name_is_refused_and_the_rest_goes_in(tmp_path: Path) -> None:
    taken, refused = taken_in(zipped({".": b"x", "a.png": b"a"}, tmp_path / "z.zip"))

    assert [source.name for source in taken] == ["a.png"]
    assert refused == {".": "The file has no name."}


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_that_could_fill_the_memory_at_once_is_not_unpacked(
    tmp_path: Path, compression: int
) -> None:
    archive = tmp_path / "z.zip"
    with zipfile.ZipFile(archive, "w", compression) as packed:
        packed.writestr("a.png", b"a")
        packed.writestr("b.png", b"b", compress_type=zipfile.ZIP_DEFLATED)

    taken, refused = taken_in(archive)

    assert [source.name for source in taken] == ["b.png"]
    assert "unusual way" in refused["a.png"]


@pytest.mark.parametrize(("place", "damage"), [(0, b"XXXX"), (6, b"c")], ids=["no directory", "version 9.9"])
def test_a_zip_whose_directory_cannot_be_read_is_refused_by_name(
    tmp_path: Path, place: int, damage: bytes
) -> None:
    archive = zipped({"a.png": b"a"}, tmp_path / "z.zip")
    data = bytearray(archive.read_bytes())
    start = data.rindex(b"PK\x01\x02") + place
    data[start : start + len(damage)] = damage
    archive.write_bytes(data)

    assert count([ImportItem(archive, "z.zip")]) == 1
    assert "cannot be opened" in taken_in(archive)[1]["z.zip"]
