"""The members of a tar, plain or packed by gzip or bzip2, read in one go from front to back."""

from __future__ import annotations

import bz2
import tarfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from pool.canonical.texts import plain
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

# The last: headers upon headers, each of which is read within the one before it.
DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RecursionError)
MOST_OF_A_HEADER = 2**20
READ_AT_ONCE = {
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
}


class BoundedInfo(tarfile.TarInfo):
    """A header whose long names and further fields, which are read into memory at once, are not long without end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> BoundedInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in READ_AT_ONCE and not 0 <= info.size <= MOST_OF_A_HEADER:
            raise tarfile.ReadError("a header is larger than any has to be")
        return info


def tar_members(path: Path, title: str, *, is_plain: bool = False) -> Iterator[Member | Refusal]:
    """Its files; is_plain: as it is, so that nothing packed is unpacked to look what it is."""
    packed = path.stat().st_size
    budget = Budget(limits.MAX_UNPACKED, "tar")
    declared, earlier = 0, set[str]()
    try:
        # xz is left out: one small file of it may ask for gigabytes of memory.
        with _opened(path, "r:" if is_plain else "r:*") as archive:
            for number, info in enumerate(archive, start=1):
                declared += info.size
                # What a header declares is skipped by unpacking it, so it counts before the next header is read.
                if reason := limits.too_much("tar", number, declared, packed):
                    yield Refusal(title, reason)
                    return
                name = plain(info.name).replace("\\", "/")
                if info.isdir() or (is_litter(name) and not misplaced(name, "tar")):
                    continue
                if reason := _unsafe(info, name, earlier):
                    yield Refusal(name, reason)
                    continue
                earlier.add(name)
                yield Member(name, partial(_unpack, archive, info, budget))
    except DAMAGED as error:
        yield Refusal(title, f"The tar cannot be read to its end: {error}.")


def _opened(path: Path, mode: Literal["r:", "r:*"]) -> tarfile.TarFile:
    return tarfile.open(path, mode, encoding="utf-8", errors="surrogateescape", tarinfo=BoundedInfo)


def _unsafe(info: tarfile.TarInfo, name: str, earlier: set[str]) -> str:
    faults = (
        (misplaced(name, "tar"), misplaced(name, "tar")),
        (info.issym() or info.islnk(), "A link, not a file."),
        (not info.isreg(), "Not a regular file."),
        (info.size > MAX_FILE_BYTES, TOO_LARGE),
        (name in earlier, "The tar holds this name twice."),
    )
    return next((reason for is_so, reason in faults if is_so), "")


def _unpack(archive: tarfile.TarFile, info: tarfile.TarInfo, budget: Budget) -> bytes:
    try:
        stream = archive.extractfile(info)
        if stream is None:
            raise UnreadableError("Not a regular file.")
        with stream:
            return read_all(stream, info.size, budget)
    except DAMAGED as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"The tar is damaged at this file: {error}.") from error


def count_in_tar(path: Path) -> int:
    """How many files a plain tar holds; 1 where it cannot be read."""
    try:
        with _opened(path, "r:") as archive:
            return sum(info.isreg() for info, _ in zip(archive, range(limits.MAX_MEMBERS), strict=False))
    except DAMAGED:
        return 1


def is_packed_tar(path: Path) -> bool:
    """Whether what gzip or bzip2 has packed begins as a tar."""
    try:
        with path.open("rb") as file:
            head = file.read(2**16)
        if head.startswith(b"\x1f\x8b"):
            begins = zlib.decompressobj(31).decompress(head, 512)
        else:
            begins = bz2.BZ2Decompressor().decompress(head + _more(path, head), 512)
    except (OSError, zlib.error, EOFError, ValueError):
        return False
    return begins[257:262] == b"ustar"


def _more(path: Path, head: bytes) -> bytes:
    """A block of bzip2 is unpacked whole, and may be larger than the head."""
    with path.open("rb") as file:
        file.seek(len(head))
        return file.read(2**20)
