"""What all sources of files share: a member with its name and bytes, a refusal, and how much may be unpacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from pool.canonical.texts import file_name, line
from pool.imports.decoding import MAX_FILE_BYTES
from pool.imports.notes import Note

MAX_MEMBERS = 20_000
MAX_UNPACKED = 20 * 2**30
MAX_RATIO = 200  # images hardly shrink in an archive; a bomb shrinks a thousandfold
RATIO_COUNTS_FROM = 2**20
CHUNK = 2**20
MAX_REASON = 500
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
TOO_LARGE = f"The file is larger than {MAX_FILE_BYTES // 2**20} MB."
NAMED_AS_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".7z", ".rar")


class UnreadableError(ValueError):
    """One file cannot be read; the message is one sentence."""


@dataclass(frozen=True)
class Refusal:
    """A file that stays outside, and why; its SHA-256 where nothing but its bytes decided that."""

    file: str
    reason: str
    sha256: str = ""

    def as_json(self) -> dict[str, str]:
        return {"file": file_name(self.file), "reason": line(self.reason, most=MAX_REASON)}


@dataclass(frozen=True)
class Member:
    """A file in a folder or an archive: its path there, how to get its bytes, what is to be known of its name."""

    name: str
    read: Callable[[], bytes]
    notes: tuple[Note, ...] = ()


@dataclass
class Budget:
    """Bytes an archive may still unpack to, counted while reading: what it declares need not be true."""

    remaining: int
    kind: str = "zip"

    def spend(self, amount: int) -> None:
        self.remaining -= amount
        if self.remaining < 0:
            raise UnreadableError(f"The {self.kind} unpacks to more than {MAX_UNPACKED // 2**20} MB.")


def read_all(stream: IO[bytes], declared: int, budget: Budget) -> bytes:
    """The bytes of a member, no more than it declares. Raises UnreadableError."""
    data = bytearray()
    while chunk := stream.read(CHUNK):
        budget.spend(len(chunk))
        data += chunk
        if len(data) > declared:
            raise UnreadableError(f"The file is larger than the {budget.kind} says.")
    return bytes(data)


def too_much(kind: str, members: int, declared: int, packed: int) -> str:
    """Why an archive of so many members and bytes is not opened, in a sentence; empty when it may be."""
    if members > MAX_MEMBERS:
        return f"The {kind} holds {members} files; {MAX_MEMBERS} are allowed."
    if declared > MAX_UNPACKED:
        return f"The {kind} unpacks to {declared // 2**20} MB; {MAX_UNPACKED // 2**20} MB are allowed."
    if declared > RATIO_COUNTS_FROM and declared > MAX_RATIO * max(packed, 1):
        return f"The {kind} unpacks to {declared // max(packed, 1)} times its size, as no set of images does."
    return ""


def misplaced(name: str, kind: str) -> str:
    """Why a member of this name is not read, in a sentence; empty when it may be."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts:
        return "The file has no name."
    if path.is_absolute() or ":" in path.parts[0] or ".." in path.parts:
        return f"The path leads out of the {kind}."
    return ""


def is_litter(name: str) -> bool:
    """True for what operating systems strew about and nobody means to import."""
    return any(part.startswith(".") or part in LITTER for part in PurePosixPath(name).parts if part != "..")
