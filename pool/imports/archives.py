"""Files to import out of folders, zips and single files, one at a time, each named and safe to read."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pool.imports.decoding import MAX_FILE_BYTES
from pool.imports.labels import BadSource, Facts, Labels, NoRow
from pool.imports.notes import Note
from pool.texts import file_name, line

MAX_MEMBERS = 20_000
MAX_UNPACKED = 20 * 2**30
MAX_RATIO = 200  # pictures hardly shrink in a zip; a bomb shrinks a thousandfold
RATIO_COUNTS_FROM = 2**20
# zipfile unpacks these two a piece at a time; of the others one small piece may fill the memory.
COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
NOT_A_ZIP = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError)
CHUNK = 2**20
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
ENCRYPTED = 0x1


class Unreadable(ValueError):
    """One file cannot be read; the message is one sentence."""


@dataclass(frozen=True)
class Source:
    """A file to import: its path inside what was given, what is known of it, and how to get its bytes."""

    name: str
    facts: Facts
    read: Callable[[], bytes]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A file that stays outside, and why."""

    file: str
    reason: str

    def as_json(self) -> dict[str, str]:
        return {"file": file_name(self.file), "reason": line(self.reason)}


@dataclass(frozen=True)
class ImportItem:
    """A folder, zip or file to import from; `name` is what people call it, `open` reads an uploaded file."""

    path: Path
    name: str


Entry = tuple[str, Callable[[], bytes]]


def from_paths(
    items: list[ImportItem], labels: Labels, *, skip: Path | None = None
) -> Iterator[Source | Refusal]:
    """Every file in what was given, in a fixed order, as a Source to import or a Refusal to list.

    `skip` is the labels CSV when it lies among the pictures. Rows of it that no file answered come last.
    """
    for item in items:
        several = len(items) > 1 and (item.path.is_dir() or is_archive(item))
        prefix = f"{item.name}/" if several else ""
        for entry in _entries(item, skip):
            if isinstance(entry, Refusal):
                is_item = entry.file == item.name
                yield Refusal(file_name(entry.file if is_item else prefix + entry.file), entry.reason)
            else:
                yield _described(prefix, entry, labels)
    for row in labels.unused():
        yield Refusal(file_name(row), "The CSV has a row for this file, but the file is not there.")


def count(items: list[ImportItem]) -> int:
    """How many files are to come, near enough for a progress bar."""
    return sum(_count_one(item) for item in items)


def is_archive(item: ImportItem) -> bool:
    """By name: a JPEG with a zip hung on its end is a picture, and a broken .zip deserves its own sentence."""
    return item.name.lower().endswith(".zip")


def _described(prefix: str, entry: Entry, labels: Labels) -> Source | Refusal:
    name, read = entry
    if name.lower().endswith(".zip"):
        return Refusal(file_name(prefix + name), "A zip inside is not opened; import it by itself.")
    try:
        return Source(file_name(prefix + name), labels.of(name), read)
    except NoRow as error:
        return Refusal(file_name(prefix + name), str(error))


def _entries(item: ImportItem, skip: Path | None) -> Iterator[Entry | Refusal]:
    if item.path.is_dir():
        yield from _folder(item.path, skip)
    elif not item.path.is_file():
        raise BadSource(f"There is no file or folder {item.name}.")
    elif is_archive(item):
        yield from _archive(item)
    else:
        yield item.name, lambda: read_file(item.path)


def _folder(root: Path, skip: Path | None) -> Iterator[Entry | Refusal]:
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if skip is not None and path.resolve() == skip.resolve():
            continue
        if path.is_file():
            yield name, lambda path=path: read_file(path)  # type: ignore[misc]  # mypy cannot infer the default
        else:
            yield Refusal(name, "Not a regular file.")


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        yield from (Path(folder) / name for name in sorted(files) if not is_litter(name))


def is_litter(name: str) -> bool:
    """True for what operating systems strew about and nobody means to import."""
    return any(part.startswith(".") or part in LITTER for part in PurePosixPath(name).parts if part != "..")


def read_file(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Unreadable(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB.")
    return path.read_bytes()


def _archive(item: ImportItem) -> Iterator[Entry | Refusal]:
    try:
        archive = zipfile.ZipFile(item.path)
    except NOT_A_ZIP as error:
        yield Refusal(item.name, f"The zip cannot be opened: {error}.")
        return
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if reason := _too_much(members):
            yield Refusal(item.name, reason)
            return
        budget = Budget(MAX_UNPACKED)
        names: set[str] = set()
        for member in members:
            if reason := _unsafe(member, names):
                yield Refusal(member.filename, reason)
            elif not is_litter(member.filename):
                names.add(member.filename)
                yield member.filename, lambda member=member: _unpack(archive, member, budget)  # type: ignore[misc]  # as above


def _too_much(members: list[zipfile.ZipInfo]) -> str:
    if len(members) > MAX_MEMBERS:
        return f"The zip holds {len(members)} files; {MAX_MEMBERS} are allowed."
    declared = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if declared > MAX_UNPACKED:
        return f"The zip unpacks to {declared // 2**20} MB; {MAX_UNPACKED // 2**20} MB are allowed."
    if declared > RATIO_COUNTS_FROM and declared > MAX_RATIO * max(packed, 1):
        return f"The zip unpacks to {declared // max(packed, 1)} times its size, as no set of pictures does."
    return ""


def _unsafe(member: zipfile.ZipInfo, names: set[str]) -> str:
    """Why this member is not read, in a sentence; empty when it may be."""
    path = PurePosixPath(member.orig_filename.replace("\\", "/"))
    leads_out = path.is_absolute() or ":" in "".join(path.parts[:1]) or ".." in path.parts
    faults = (
        (not path.parts, "The file has no name."),
        (leads_out, "The path leads out of the zip."),
        (stat.S_ISLNK(member.external_attr >> 16), "A link, not a file."),
        (member.flag_bits & ENCRYPTED, "The file is locked with a password."),
        (member.compress_type not in COMPRESSIONS, "Packed in an unusual way: make the zip with deflate."),
        (member.file_size > MAX_FILE_BYTES, f"The file is larger than {MAX_FILE_BYTES // 2**20} MB."),
        (member.filename in names, "The zip holds this name twice."),
    )
    return next((reason for is_so, reason in faults if is_so), "")


@dataclass
class Budget:
    """Bytes a zip may still unpack to, counted while reading: what it declares need not be true."""

    remaining: int

    def spend(self, amount: int) -> None:
        self.remaining -= amount
        if self.remaining < 0:
            raise Unreadable(f"The zip unpacks to more than {MAX_UNPACKED // 2**20} MB.")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> bytes:
    try:
        with archive.open(member) as stream:
            return _read_all(stream, member.file_size, budget)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"The zip is damaged at this file: {error}.") from error


def _read_all(stream: IO[bytes], declared: int, budget: Budget) -> bytes:
    data = bytearray()
    while chunk := stream.read(CHUNK):
        budget.spend(len(chunk))
        data += chunk
        if len(data) > declared:
            raise Unreadable("The file is larger than the zip says.")
    return bytes(data)


def _count_one(item: ImportItem) -> int:
    if item.path.is_dir():
        return sum(1 for _ in _walk(item.path))
    if not is_archive(item):
        return 1
    try:
        with zipfile.ZipFile(item.path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except NOT_A_ZIP:
        return 1
    return min(sum(not is_litter(member.filename) for member in members), MAX_MEMBERS)
