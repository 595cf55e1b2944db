"""The one file of a backup: a tar, then a line of fixed length with the sha256 of all before it.

Any tar program opens it (`tar xf FILE`, then `sha256sum -c SHA256SUMS`). The line lets a restore refuse a file with one
wrong byte, or with its end cut off, before it touches anything; the manifest's place in it spares walking the whole tar.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from lungrater.backup.errors import BackupError, RefusedError
from lungrater.backup.manifest import Manifest

SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
LAST_LINE = re.compile(rb"^lungrater backup manifest at (\d{20}) sha256 ([0-9a-f]{64})\n$")
LAST_LINE_BYTES = len(b"lungrater backup manifest at ") + 20 + len(b" sha256 ") + 64 + 1
AT_ONCE = 2**20

Progress = Callable[[int], object]
"""Called with the count of bytes that have just been read or written."""


class _Sink(io.RawIOBase):
    """What is written, counted and hashed on its way into a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha256, self.position = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile writes bytes only
        self.sha256.update(data)
        self.position += len(data)
        return self.file.write(data)


class _Source:
    """A member on its way into the tar, hashed; exactly as long as was announced, whatever its file does meanwhile."""

    def __init__(self, name: str, file: IO[bytes], progress: Progress) -> None:
        self.name, self.file, self.progress, self.sha256 = name, file, progress, hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) < size:
            raise BackupError(f"{self.name} became shorter while it was read: try again.")
        self.sha256.update(data)
        self.progress(len(data))
        return data


class ArchiveWriter:
    """Members one by one, then the manifest; not an archive before `finish`."""

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self._file, self._sink, self._progress = file, _Sink(file), progress
        self._tar = tarfile.open(fileobj=self._sink, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  (closed by `finish`)
        self._sums = io.BytesIO()

    def add(self, name: str, file: IO[bytes], size: int) -> None:
        self._sums.write(_sum_line(self._put(name, file, size), name))

    def finish(self, manifest: Manifest) -> None:
        sums = self._sums.getvalue()
        self._put(SUMS, io.BytesIO(sums), len(sums))
        place = self._sink.position
        text = replace(manifest, sums_sha256=hashlib.sha256(sums).hexdigest()).as_json().encode()
        self._put(MANIFEST, io.BytesIO(text), len(text))
        self._tar.close()
        line = f"lungrater backup manifest at {place:020} sha256 {self._sink.sha256.hexdigest()}\n"
        self._file.write(line.encode())

    def _put(self, name: str, file: IO[bytes], size: int) -> str:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        source = _Source(name, file, self._progress)
        self._tar.addfile(info, source)  # type: ignore[arg-type]  # all it does is read
        self._tar.members.clear()  # type: ignore[attr-defined]  # typeshed leaves out the list that would grow to a million
        return source.sha256.hexdigest()


def verified_manifest(path: Path, progress: Progress) -> Manifest:
    """The manifest of a backup every byte of which is as it was written. Raises RefusedError."""
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END) - LAST_LINE_BYTES
        file.seek(max(0, end))
        line = LAST_LINE.match(file.read())
        if line is None:
            raise RefusedError(f"{path} is no backup of LungRater, or its end is cut off.")
        if _sha256_of(file, end, progress) != line[2].decode():
            raise RefusedError(f"{path} is damaged: its content is not what was written. Take another copy.")
        file.seek(int(line[1]))
        with tarfile.open(fileobj=file, mode="r|") as tar:
            info = tar.next()
            member = tar.extractfile(info) if info else None
            if info is None or member is None or info.name != MANIFEST:
                raise RefusedError(f"{path} is no backup of LungRater.")
            return Manifest.from_json(member.read())


def members(path: Path, manifest: Manifest) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each member, to be read in this order; raises BackupError where one differs."""
    sums = hashlib.sha256()
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
        while (info := tar.next()) is not None and info.name != SUMS:
            tar.members.clear()  # type: ignore[attr-defined]  # as above
            member = tar.extractfile(info)
            if member is None:
                raise BackupError(f"{path} has a member that is no file: {info.name}.")
            reader = _Reader(member)
            yield info.name, info.size, cast("IO[bytes]", reader)
            sums.update(_sum_line(reader.rest(), info.name))
    if sums.hexdigest() != manifest.sums_sha256:
        raise BackupError(f"{path} changed while it was read.")


class _Reader(io.RawIOBase):
    """A member, hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha256 = file, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any buffer
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        self.sha256.update(data)
        return len(data)

    def rest(self) -> str:
        """The hash of all of it, whether or not somebody has read it."""
        while self.read(AT_ONCE):
            pass
        return self.sha256.hexdigest()


def _sum_line(sha256: str, name: str) -> bytes:
    return f"{sha256}  {name}\n".encode(errors="surrogateescape")


def _sha256_of(file: IO[bytes], end: int, progress: Progress) -> str:
    sha256 = hashlib.sha256()
    file.seek(0)
    while end > 0 and (data := file.read(min(AT_ONCE, end))):
        sha256.update(data)
        end -= len(data)
        progress(len(data))
    return sha256.hexdigest()
