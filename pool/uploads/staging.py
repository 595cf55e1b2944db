"""The bytes of uploads that are still coming: a file each, appended to by one request at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.functions import Now

from pool.uploads.models import ResumableUpload

PIECE = 2**18


class BusyError(Exception):
    """Another request is appending to this upload."""


class GoneError(Exception):
    """The bytes of this upload are no more; it is to be begun again."""


class StagedFile(File):  # type: ignore[type-arg]  # generic for the type checker only
    """A complete file for the storage, which moves it where it can instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def folder() -> Path:
    path: Path = settings.HOME.uploads
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def staging_path(upload: ResumableUpload) -> Path:
    return folder() / upload.pk.hex


def begin(upload: ResumableUpload) -> None:
    """An empty file to append to; of nothing at all it is complete already."""
    staging_path(upload).touch(mode=0o600)
    if not upload.length:
        settle(upload)


def offset_of(upload: ResumableUpload) -> int:
    """How many bytes are here, whichever process has died meanwhile. Raises GoneError."""
    if upload.is_complete:
        return upload.length
    try:
        size = staging_path(upload).stat().st_size
    except FileNotFoundError:
        # A process that died between moving the file and writing that down.
        if not _is_stored(upload):
            raise GoneError from None
        _complete(upload)
        return upload.length
    if size == upload.length:  # the storage did not take it when its last piece had come
        with (
            suppress(BusyError, GoneError),
            appending(upload),
        ):  # gone: another request has just given it over
            settle(upload)
    return size


@contextmanager
def appending(upload: ResumableUpload) -> Iterator[tuple[IO[bytes], int]]:
    """The file at its end, and its size, for this request alone; a lock that ends with its process.

    Raises BusyError while another holds it, GoneError where there is nothing to append to.
    """
    path = staging_path(upload)
    try:
        # The system's own appending: what is written goes to the end of the file, which is never made anew.
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0)
    except FileNotFoundError:
        raise GoneError from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError from None
        if not _is_at(path, file):
            raise GoneError
        yield file, os.fstat(file.fileno()).st_size


def append(file: IO[bytes], pieces: Iterator[bytes]) -> int:
    """Write the pieces down as they come; how many bytes that were, safe from a power cut too."""
    written = 0
    try:
        for piece in pieces:
            remaining = memoryview(piece)
            while remaining:
                count = file.write(remaining)
                written += count
                remaining = remaining[count:]
    finally:
        os.fsync(file.fileno())
    return written


def settle(upload: ResumableUpload) -> None:
    """Give the complete file to the storage. Raises GoneError where it was dropped meanwhile."""
    path = staging_path(upload)
    try:
        with path.open("rb") as file:
            if default_storage.exists(upload.stored_name):
                default_storage.delete(upload.stored_name)
            default_storage.save(upload.stored_name, StagedFile(file, name=str(path)))
    except FileNotFoundError:
        raise GoneError from None
    _complete(upload)
    path.unlink(missing_ok=True)


def drop(upload: ResumableUpload) -> bool:
    """Delete the row and its bytes; False where an import has taken it over meanwhile."""
    with transaction.atomic():
        gone, _ = ResumableUpload.objects.filter(pk=upload.pk).delete()
        if not gone:
            return False
        staging_path(upload).unlink(missing_ok=True)
        if upload.is_complete or default_storage.exists(upload.stored_name):
            default_storage.delete(upload.stored_name)
    return True


def drop_uploads_of(person: Any) -> None:
    """All that this person has sent in pieces and not imported, bytes and all."""
    for upload in ResumableUpload.objects.owned_by(person):
        drop(upload)


def sizes() -> dict[str, int]:
    """The bytes that are here of each unfinished upload, by the hex of its key."""
    staged = {}
    for entry in os.scandir(folder()):
        with suppress(FileNotFoundError):
            staged[entry.name] = entry.stat().st_size
    return staged


def _is_at(path: Path, file: IO[bytes]) -> bool:
    """Whether the file still lies there: whoever held it before may have given it to the storage, or dropped it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _is_stored(upload: ResumableUpload) -> bool:
    name = upload.stored_name
    return default_storage.exists(name) and default_storage.size(name) == upload.length


def _complete(upload: ResumableUpload) -> None:
    upload.is_complete, upload.file.name = True, upload.stored_name
    ResumableUpload.objects.filter(pk=upload.pk).update(
        is_complete=True, file=upload.stored_name, touched_at=Now()
    )
