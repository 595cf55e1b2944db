"""Where backups are put: a folder, or a bucket of S3."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.core.files.base import File
from django.core.files.storage import Storage, storages

from lungrater.backup import room
from lungrater.backup.backing_up import OUTSIDE_ERRORS
from lungrater.backup.errors import BackupError, RefusedError, first_line
from lungrater.settings import storage


def is_bucket(url: str) -> bool:
    return urlsplit(url).scheme == "s3"


def place(url: str) -> Storage:
    """The folder or bucket of this address, written as STORAGE_URL is."""
    if not is_bucket(url) and "://" in url:
        raise RefusedError(f"“{url}” is neither a folder nor s3://bucket/folder.")
    return storages.create_storage(storage(url))


def copy_to(url: str, backup: Path) -> None:
    """A copy under the same name. Raises BackupError."""
    try:
        with backup.open("rb") as file:
            name = place(url).save(backup.name, File(file, backup.name))
    except OUTSIDE_ERRORS as error:
        raise BackupError(
            f"{backup.name} could not be copied to {readable(url)}: {first_line(error)}"
        ) from error
    if name != backup.name:
        place(url).delete(name)
        raise BackupError(f"{readable(url)} has a {backup.name} already: name another file.")


@contextmanager
def local_copy(source: str) -> Iterator[Path]:
    """The file of this path, or of this address in a bucket, as one on this machine."""
    if not is_bucket(source):
        yield Path(source)
        return
    parts = urlsplit(source)
    folder, _, name = parts.path.rpartition("/")
    store = place(parts._replace(path=folder).geturl())
    with tempfile.TemporaryDirectory(prefix="lungrater-restore-") as local:
        copy = Path(local) / (name or "backup")
        try:
            room.require(copy.parent, store.size(name))
            with store.open(name, "rb") as file, copy.open("wb") as target:
                shutil.copyfileobj(file, target)
        except FileNotFoundError as error:
            raise RefusedError(f"There is no {name} in {readable(source)}.") from error
        except OUTSIDE_ERRORS as error:
            raise BackupError(
                f"{name} could not be read from {readable(source)}: {first_line(error)}"
            ) from error
        yield copy


def readable(url: str) -> str:
    """The address without its options."""
    return url.partition("?")[0]
