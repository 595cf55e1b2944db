"""The files of a zip, each streamed into it and measured on its way: bytes, SHA-256, rows."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

EARLIEST = (1980, 1, 1, 0, 0, 0)
PACKED_ALREADY = (".png", ".pdf", ".parquet")
AT_ONCE = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """One file as it lies in the zip; `rows` of a table, its header not counted."""

    name: str
    size: int
    sha256: str
    rows: int | None = None


class MeasuredZip:
    """A zip that is written from front to back; the same files give the same bytes."""

    def __init__(self, path: Path) -> None:
        self.members: list[Member] = []
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)

    def close(self) -> None:
        self._archive.close()

    def add(self, name: str, chunks: Iterable[bytes], *, rows: int | None = None) -> Member:
        entry = zipfile.ZipInfo(name, EARLIEST)
        packed = name.endswith(PACKED_ALREADY)
        entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        digest, size = hashlib.sha256(), 0
        with self._archive.open(entry, "w", force_zip64=True) as target:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        member = Member(name, size, digest.hexdigest(), rows)
        self.members.append(member)
        return member

    def add_text(self, name: str, text: str) -> Member:
        return self.add(name, [text.encode()])

    def add_lines(self, name: str, lines: Iterable[str], *, rows: int | None = None) -> Member:
        return self.add(name, (line.encode() for line in lines), rows=rows)

    def add_table(self, name: str, lines: Iterable[str]) -> Member:
        """A table of a line a row, under its header."""
        tally = Tally()
        self.add_lines(name, tally.of(lines))
        self.members[-1] = measured = replace(self.members[-1], rows=max(tally.count - 1, 0))
        return measured

    def add_file(self, name: str, path: Path, *, rows: int | None = None) -> Member:
        with path.open("rb") as file:
            return self.add(name, chunks_of(file), rows=rows)


class Tally:
    """Counts lines as they go by."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.count += 1
            yield line


def chunks_of(file: IO[bytes]) -> Iterable[bytes]:
    return iter(lambda: file.read(AT_ONCE), b"")
