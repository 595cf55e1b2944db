"""The members of a zip, with the names that its maker meant."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from pool.imports.archives import members as limits
from pool.imports.archives.members import (
    TOO_LARGE,
    Budget,
    Member,
    Refusal,
    UnreadableError,
    is_litter,
    misplaced,
    read_all,
)
from pool.imports.decoding import MAX_FILE_BYTES
from pool.imports.notes import Note
from pool.imports.spelling import spelled

# zipfile unpacks these two a piece at a time; of the others one small piece may fill the memory.
COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
NOT_A_ZIP = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError)
ENCRYPTED, NAME_IS_UTF8 = 0x1, 0x800
UNICODE_PATH = 0x7075  # Info-ZIP's extra field: version, CRC-32 of the plain name, the name in UTF-8


def zip_members(path: Path, title: str) -> Iterator[Member | Refusal]:
    try:
        archive = zipfile.ZipFile(path)
    except NOT_A_ZIP as error:
        yield Refusal(title, f"The zip cannot be opened: {error}.")
        return
    with archive:
        names, notes = _names(archive)
        infos = [info for info in archive.infolist() if not names[id(info)].endswith("/")]
        declared, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
        if reason := limits.too_much("zip", len(infos), declared, packed):
            yield Refusal(title, reason)
            return
        budget = Budget(limits.MAX_UNPACKED)
        earlier: set[str] = set()
        for info in infos:
            name = names[id(info)]
            if reason := _unsafe(info, name, earlier):
                yield Refusal(name, reason)
            elif not is_litter(name):
                earlier.add(name)
                yield Member(name, partial(_unpack, archive, info, budget), () if name.isascii() else notes)


def count_in_zip(path: Path) -> int:
    """How many files it holds, 1 for one that cannot be opened."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except NOT_A_ZIP:
        return 1
    return min(sum(not is_litter(name) for name in names), limits.MAX_MEMBERS)


def _names(archive: zipfile.ZipFile) -> tuple[dict[int, str], tuple[Note, ...]]:
    """Each member's name with forward slashes; and a note where the zip does not say how it writes them."""
    names: dict[int, str] = {}
    unsure: list[zipfile.ZipInfo] = []
    for info in archive.infolist():
        if info.flag_bits & NAME_IS_UTF8:
            names[id(info)] = info.orig_filename
        elif unicode_name := _unicode_path(info):
            names[id(info)] = unicode_name
        else:
            unsure.append(info)
    encoding, texts = spelled([info.orig_filename.encode("cp437", "replace") for info in unsure])
    names.update((id(info), text) for info, text in zip(unsure, texts, strict=True))
    tidy = {key: name.partition("\0")[0].replace("\\", "/") for key, name in names.items()}
    if encoding in {"ascii", "utf-8"}:
        return tidy, ()
    return tidy, (
        Note("names", f"The zip does not say how its names are written; they were read as {encoding}."),
    )


def _unicode_path(info: zipfile.ZipInfo) -> str:
    extra, place = info.extra, 0
    crc = zlib.crc32(info.orig_filename.encode("cp437", "replace"))
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        body = extra[place + 4 : place + 4 + size]
        if (
            kind == UNICODE_PATH
            and len(body) > 5
            and body[0] == 1
            and struct.unpack_from("<L", body, 1)[0] == crc
        ):
            return body[5:].decode("utf-8", "replace")
        place += 4 + size
    return ""


def _unsafe(info: zipfile.ZipInfo, name: str, earlier: set[str]) -> str:
    """Why this member is not read, in a sentence; empty when it may be."""
    faults = (
        (not PurePosixPath(name).parts, "The file has no name."),
        (misplaced(name, "zip"), misplaced(name, "zip")),
        (stat.S_ISLNK(info.external_attr >> 16), "A link, not a file."),
        (info.flag_bits & ENCRYPTED, "The file is locked with a password."),
        (info.compress_type not in COMPRESSIONS, "Packed in an unusual way: make the zip with deflate."),
        (info.file_size > MAX_FILE_BYTES, TOO_LARGE),
        (name in earlier, "The zip holds this name twice."),
    )
    return next((reason for is_so, reason in faults if is_so), "")


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    try:
        with archive.open(info) as stream:
            return read_all(stream, info.file_size, budget)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadableError(f"The zip is damaged at this file: {error}.") from error
