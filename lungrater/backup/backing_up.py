"""A backup while the site runs: what is in it is as of one moment, whoever writes meanwhile."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import Error, connection
from django.db.migrations.recorder import MigrationRecorder

from audit import record
from audit.verification import head
from lungrater.backup import database, room, secret_key, site_files
from lungrater.backup.archive import ArchiveWriter, Progress
from lungrater.backup.errors import BackupError, RefusedError, first_line
from lungrater.backup.manifest import Manifest
from lungrater.monitoring.signs_of_life import BACKUP, SignOfLife

MEDIA, MODELS, DUMP, SEALED_KEY = "media/", "models/", "database.dump", "secret_key.sealed"
UNFINISHED = ".lungrater-backup-"
OUTSIDE_ERRORS = (OSError, Error, BotoCoreError, ClientError)

Watch = Callable[[str, int], Progress]
"""Called with what begins and how many bytes of it there are; gives what is called with each piece's."""


def unwatched(_what: str, _byte_count: int) -> Progress:
    return lambda _count: None


@contextmanager
def noted(*, with_refusals: bool = False) -> Iterator[None]:
    """How this backup ends is noted for whoever watches the site, and every error is one sentence.

    A refusal is a person's slip at the terminal; of the nightly backup nobody else would hear of it.
    """
    try:
        yield
    except (BackupError, *OUTSIDE_ERRORS) as error:
        if isinstance(error, RefusedError) and not with_refusals:
            raise
        sentence = (
            str(error)
            if isinstance(error, BackupError)
            else f"The backup could not be written: {first_line(error)}"
        )
        SignOfLife.note(BACKUP, problem=sentence)
        raise error if isinstance(error, BackupError) else BackupError(sentence) from error
    SignOfLife.note(BACKUP)


class DatabaseFacts(TypedDict):
    """What the manifest says of the database."""

    postgresql: int
    database_bytes: int
    migrations: list[str]
    tables: dict[str, int]
    anchor: str


class MediaFacts(TypedDict):
    """And of the storage's files."""

    files: int
    file_bytes: int
    missing: list[str]


class ModelFacts(TypedDict):
    """And of the models' folder."""

    models: int
    model_bytes: int


def back_up(target: Path, *, passphrase: str = "", watch: Watch = unwatched) -> Manifest:
    """Write the site to this file, which is there once it is complete. Raises BackupError with one sentence."""
    if target.exists():
        raise RefusedError(f"{target} exists already: name another file.")
    if not target.parent.is_dir():
        raise RefusedError(f"There is no folder {target.parent}.")
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=target.parent) as folder:
        unfinished = Path(folder) / target.name
        manifest = _write(unfinished, Path(folder) / DUMP, passphrase, watch)
        unfinished.replace(target)
    record(None, None, "backed up the site", bytes=target.stat().st_size, missing=len(manifest.missing))
    return manifest


def _write(unfinished: Path, dump: Path, passphrase: str, watch: Watch) -> Manifest:
    names, facts = _moment(dump)
    sizes = {name: site_files.size_of(name) for name in names}
    models = {path: site_files.models_folder() / path for path in site_files.model_files()}
    total = dump.stat().st_size + sum(size or 0 for size in sizes.values())
    total += sum(path.stat().st_size for path in models.values() if path.exists())
    room.require(dump.parent, total)
    with unfinished.open("xb") as file:
        unfinished.chmod(0o600)
        archive = ArchiveWriter(file, watch("Writing", total))
        manifest = Manifest(
            lungrater=version("lungrater"),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            secret_key=secret_key.fingerprint(settings.SECRET_KEY),
            has_secret_key=bool(passphrase),
            **_add_media(archive, names),
            **_add_models(archive, models),
            **facts,
        )
        if passphrase:
            sealed = secret_key.seal(settings.SECRET_KEY, passphrase)
            archive.add(SEALED_KEY, io.BytesIO(sealed), len(sealed))
        with dump.open("rb") as content:
            archive.add(DUMP, content, dump.stat().st_size)
        archive.finish(manifest)
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _moment(dump: Path) -> tuple[list[str], DatabaseFacts]:
    """The database into `dump`; the files that its rows name, and facts about all of it, as of the same snapshot."""
    with database.snapshot() as name:
        size = database.size()
        room.require(dump.parent, size)
        anchor = head("site")
        applied = MigrationRecorder(connection).applied_migrations()
        facts: DatabaseFacts = {
            "postgresql": database.server_version(),
            "database_bytes": size,
            "migrations": sorted(f"{app}.{migration}" for app, migration in applied),
            "tables": database.rows_by_table(),
            "anchor": str(anchor) if anchor else "",
        }
        names = site_files.named_files()
        database.dump(name, dump)
    return names, facts


def _add_media(archive: ArchiveWriter, names: list[str]) -> MediaFacts:
    """What the storage has of these files; of files that went away the names."""
    missing: list[str] = []
    count, byte_count = 0, 0
    for name in names:
        try:
            with default_storage.open(name, "rb") as file:
                archive.add(MEDIA + name, file, file.size)
                count, byte_count = count + 1, byte_count + file.size
        except FileNotFoundError:
            missing.append(name)
    return {"files": count, "file_bytes": byte_count, "missing": missing}


def _add_models(archive: ArchiveWriter, models: dict[Path, Path]) -> ModelFacts:
    """The files of the models' folder; one that a run has put away since is none of the site's any more."""
    count, byte_count = 0, 0
    for name, path in models.items():
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                archive.add(MODELS + name.as_posix(), file, size)
        except FileNotFoundError:
            continue
        count, byte_count = count + 1, byte_count + size
    return {"models": count, "model_bytes": byte_count}
