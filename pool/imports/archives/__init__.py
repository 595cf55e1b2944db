"""Files to import out of folders, archives and single files, one at a time, each named and safe to read."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pool.canonical.texts import file_name
from pool.imports.archives.members import (
    NAMED_AS_ARCHIVES,
    TOO_LARGE,
    Member,
    Refusal,
    UnreadableError,
    is_litter,
)
from pool.imports.archives.npz import npz_members
from pool.imports.archives.seven_zips import seven_zip_members
from pool.imports.archives.tars import count_in_tar, is_packed_tar, tar_members
from pool.imports.archives.zips import count_in_zip, zip_members
from pool.imports.decoding import MAX_FILE_BYTES
from pool.imports.labels import ROW_WITHOUT_FILE, BadSourceError, Facts, FolderLabels, Labels, NoRowError
from pool.imports.notes import Note
from pool.imports.raster.kinds import kind_of

__all__ = ["ImportItem", "Refusal", "Source", "UnreadableError", "count", "from_paths"]

HEAD = 512
DICOMDIR = "DICOMDIR"  # the index of a disc, which names the files beside it
OPENED = {"zip": zip_members, "tar": tar_members, "7z": seven_zip_members, "npz": npz_members}
# Zips by their bytes that are something else to people.
NOT_ARCHIVES = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".jar", ".epub")


@dataclass(frozen=True)
class Source:
    """A file to import: its path inside what was given, what is known of it, and how to get its bytes."""

    name: str
    facts: Facts
    read: Callable[[], bytes]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class ImportItem:
    """A folder, archive or file to import from; `name` is what people call it, `path` where its bytes lie.

    A pack is a tar that nobody made: what lies in it goes by its path alone, as if it had come by itself.
    """

    path: Path
    name: str
    is_pack: bool = False


@dataclass(frozen=True)
class NamedMember:
    """A file with what it goes by: in lists of outcomes, and for whoever knows findings by path."""

    member: Member | Refusal
    name: str
    known_as: str


def from_paths(
    items: list[ImportItem],
    labels: Labels,
    *,
    skip: Path | None = None,
    tables: Collection[str] = (),
) -> Iterator[Source | Refusal]:
    """Every file in what was given, in a fixed order, as a Source to import or a Refusal to list.

    `skip` is the labels CSV when it lies among the images, `tables` are the names of those that a layout has read.
    Rows that no file answered come last.
    """
    for item in items:
        number = 0
        for entry in named_members([item], labels, skip=skip, several=len(items) > 1):
            number += 1
            if isinstance(entry.member, Refusal):
                yield Refusal(file_name(entry.name), entry.member.reason)
            elif entry.name not in tables:
                yield _described(entry, entry.member, labels)
        if not number:
            yield Refusal(file_name(item.name), f"The {archive_kind(item) or 'folder'} holds no files.")
    for row in labels.unused():
        yield Refusal(file_name(row), ROW_WITHOUT_FILE)


def named_members(
    items: list[ImportItem], labels: Labels, *, skip: Path | None = None, several: bool
) -> Iterator[NamedMember]:
    """Every file in what was given; its bytes are there to be read until the next is asked for."""
    for item in items:
        is_container = several and not item.is_pack and (item.path.is_dir() or bool(archive_kind(item)))
        prefix = f"{item.name}/" if is_container else ""
        # Of several folders each may be a class of its own; the name of an archive says nothing.
        known_as = prefix if item.path.is_dir() else ""
        if not is_container and isinstance(labels, FolderLabels) and _is_flat(item.path):
            known_as = f"{item.name}/"
        for member in _members(item, skip):
            if isinstance(member, Refusal):
                name = member.file if member.file == item.name else prefix + member.file
                yield NamedMember(member, name, name)
            else:
                path = member.name.replace("\\", "/")
                yield NamedMember(member, prefix + path, known_as + path)


def _is_flat(path: Path) -> bool:
    """Whether a folder holds files and no folders: then it is itself what its images lie in."""
    return path.is_dir() and not any(entry.is_dir() and not is_litter(entry.name) for entry in path.iterdir())


def count(items: list[ImportItem]) -> int:
    """How many files are to come, near enough for a progress bar."""
    return sum(_count_one(item) for item in items)


def archive_kind(item: ImportItem) -> str:
    """zip, tar or 7z, by the beginning: a JPEG with a zip hung on its end is an image.

    What is called .zip is one all the same: a broken one deserves its own sentence.
    """
    if not item.path.is_file() or item.name.lower().endswith(NOT_ARCHIVES):
        return ""
    with item.path.open("rb") as file:
        kind = kind_of(file.read(HEAD))
    if kind == "zip" and item.name.lower().endswith(".npz"):
        return "npz"
    if kind in {"gzip", "bzip2"}:
        return "tar" if is_packed_tar(item.path) else ""
    if kind in OPENED:
        return kind
    return "zip" if item.name.lower().endswith(".zip") else ""


def _described(entry: NamedMember, member: Member, labels: Labels) -> Source | Refusal:
    name = file_name(entry.name)
    if entry.name.lower().endswith(".zip"):
        return Refusal(name, "A zip inside is not opened; import it by itself.")
    if entry.name.lower().endswith(NAMED_AS_ARCHIVES):
        return Refusal(name, "An archive inside is not opened; import it by itself.")
    try:
        return Source(name, labels.of(entry.known_as), member.read, member.notes)
    except NoRowError as error:
        return Refusal(name, str(error))


def _members(item: ImportItem, skip: Path | None) -> Iterator[Member | Refusal]:
    if item.path.is_dir():
        yield from _folder(item.path, skip)
    elif item.path.name.upper() == DICOMDIR:
        yield from _folder(item.path.parent, skip)
    elif not item.path.is_file():
        raise BadSourceError(f"There is no file or folder {item.name}.")
    elif item.is_pack:  # whatever the name of its first file begins with
        yield from tar_members(item.path, item.name, is_plain=True)
    elif kind := archive_kind(item):
        yield from OPENED[kind](item.path, item.name)
    else:
        yield Member(item.name, partial(read_file, item.path))


def _folder(root: Path, skip: Path | None) -> Iterator[Member | Refusal]:
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if path.name.upper() == DICOMDIR or (skip is not None and path.resolve() == skip.resolve()):
            continue
        if path.is_file():
            yield Member(name, partial(read_file, path))
        else:
            yield Refusal(name, "Not a regular file.")


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        yield from (Path(folder) / name for name in sorted(files) if not is_litter(name))


def read_file(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UnreadableError(TOO_LARGE)
    return path.read_bytes()


def _count_one(item: ImportItem) -> int:
    if item.path.name.upper() == DICOMDIR:
        return sum(1 for _ in _walk(item.path.parent))
    if item.path.is_dir():
        return sum(1 for _ in _walk(item.path))
    if item.is_pack:
        return count_in_tar(item.path)
    return count_in_zip(item.path) if archive_kind(item) == "zip" else 1
