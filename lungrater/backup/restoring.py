"""A site out of a backup: refused before anything is touched, or restored as it was; half of it never stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management import call_command

from audit import record
from audit.actors import acting, at_the_command_line
from audit.anchors import read_anchors
from lungrater.backup import database, room, secret_key, site_files
from lungrater.backup.archive import members, verified_manifest
from lungrater.backup.backing_up import DUMP, MEDIA, MODELS, OUTSIDE_ERRORS, SEALED_KEY, Watch, unwatched
from lungrater.backup.errors import BackupError, RefusedError, first_line
from lungrater.backup.manifest import Manifest
from lungrater.embedded.home import Home
from lungrater.embedded.migrate import migrations_unknown_here
from lungrater.embedded.owner import as_owner
from lungrater.embedded.running import running
from lungrater.embedded.urls import environment_value
from lungrater.monitoring.site_verification import discrepancies_of_site

IN_MEMORY = 2**24
OLDEST_SERVER = 140_000


@dataclass(frozen=True)
class Key:
    """The secret key that goes with a backup, and whether the home is to have it or the environment has it already."""

    text: str
    belongs_into_home: bool


@dataclass(frozen=True)
class Restored:
    manifest: Manifest
    discrepancies: list[str]


def restore(
    source: Path,
    *,
    passphrase: str = "",
    key_file: Path | None = None,
    new_key: bool = False,
    watch: Watch = unwatched,
) -> Restored:
    """The site of this file, into an empty target that the environment names. Raises BackupError with one sentence."""
    try:
        manifest = _readable(source, watch)
        key = _key(source, manifest, passphrase, key_file, new_key=new_key)
        _refuse_what_is_there(manifest)
        discrepancies = _bring_back(Home.from_environment(), source, manifest, key, watch)
    except OUTSIDE_ERRORS as error:
        raise BackupError(f"The backup could not be restored: {first_line(error)}") from error
    return Restored(manifest, discrepancies)


def _bring_back(home: Home, source: Path, manifest: Manifest, key: Key, watch: Watch) -> list[str]:
    """What `verify` says of the restored site; on an error the target is as empty as before."""
    names: list[str] = []
    with contextlib.ExitStack() as undo:
        undo.callback(_empty, home, set(home.root.iterdir()) if home.root.exists() else None)
        undo.callback(_delete, names)
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if key.belongs_into_home:
            home.secret_key.touch(mode=0o600)
            home.secret_key.write_text(key.text)
        home.prepare()
        with running(who="lungrater restore"), acting(at_the_command_line()):
            _fill(home, source, manifest, names, watch)
            undo.pop_all()
            return [str(each) for each in discrepancies_of_site(read_anchors(manifest.anchor))]


def _readable(source: Path, watch: Watch) -> Manifest:
    """The manifest of a file that is as it was written, by a LungRater no newer than this one."""
    if not source.is_file():
        raise RefusedError(f"There is no file {source}.")
    manifest = verified_manifest(source, watch("Checking", source.stat().st_size))
    if unknown := migrations_unknown_here(manifest.migrations):
        raise RefusedError(
            f"This backup was made by a newer LungRater (it has {unknown[0]}, which this one does not know): "
            "restore it with that version."
        )
    return manifest


def _key(source: Path, manifest: Manifest, passphrase: str, key_file: Path | None, *, new_key: bool) -> Key:
    """The key that the site had: of the environment, of a file, or sealed in the backup; or, if so wished, a new one."""
    if environment_value("SECRET_KEY"):
        key = Key(settings.SECRET_KEY, belongs_into_home=False)
    elif key_file is not None:
        key = Key(key_file.read_text().strip(), belongs_into_home=True)
    elif manifest.has_secret_key and passphrase:
        key = Key(
            secret_key.unseal(_member(source, manifest, SEALED_KEY), passphrase), belongs_into_home=True
        )
    else:
        key = Key("", belongs_into_home=False)
    home = Home.from_environment()
    if new_key:
        return Key("", belongs_into_home=False)
    if not key.text:
        raise RefusedError(
            "The site's secret key is needed: give BACKUP_PASSPHRASE, if the backup was sealed with one, or --key FILE; or "
            "--new-key, with which everybody is signed out and the same patient counts as a new one from now on."
        )
    if secret_key.fingerprint(key.text) != manifest.secret_key:
        raise RefusedError("This is not the secret key of the site that was backed up.")
    if (
        key.belongs_into_home
        and home.secret_key.exists()
        and home.secret_key.read_text().strip() != key.text.strip()
    ):
        raise RefusedError(f"{home.root} has a secret key of its own: name another LUNGRATER_HOME.")
    return key


def _member(source: Path, manifest: Manifest, name: str) -> bytes:
    for member, _size, content in members(source, manifest):
        if member == name:
            return content.read()
    raise RefusedError(f"{source} has no {name}.")


def _refuse_what_is_there(manifest: Manifest) -> None:
    """Raises RefusedError where the target has anything, or too little room, or is too old."""
    home = Home.from_environment()
    is_embedded = not environment_value("DATABASE_URL")
    if is_embedded and home.postgres.exists():
        raise RefusedError(f"{home.root} has a site already: name an empty LUNGRATER_HOME.")
    if site_files.model_files():
        raise RefusedError(f"{site_files.models_folder()} is not empty: name an empty LUNGRATER_HOME.")
    if not site_files.storage_is_empty():
        raise RefusedError("The folder or bucket for images is not empty: name another STORAGE_URL.")
    if not is_embedded:
        with as_owner():
            _refuse_database()
    room.require(home.root, manifest.bytes + manifest.database_bytes)


def _refuse_database() -> None:
    if database.tables():
        raise RefusedError("The database has tables already: name an empty one in DATABASE_URL.")
    if database.server_version() < OLDEST_SERVER:
        raise RefusedError("The server is older than PostgreSQL 14: name a newer one in DATABASE_URL.")
    if database.encoding() != "UTF8":
        raise RefusedError("The database is not encoded in UTF8: make it with ENCODING 'UTF8'.")


def _empty(home: Home, before: set[Path] | None) -> None:
    """Take away what was put into the home, which had nothing of a site."""
    for folder in (home.models, home.media):
        shutil.rmtree(folder, ignore_errors=True)
    for path in home.root.iterdir():
        if path not in (before or set()):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if before is None:
        home.root.rmdir()


def _delete(names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(*OUTSIDE_ERRORS):
            default_storage.delete(name)


def _fill(home: Home, source: Path, manifest: Manifest, names: list[str], watch: Watch) -> None:
    """Files first and the database last, in one transaction: a site is there once all of it is."""
    progress = watch("Restoring", manifest.file_bytes + manifest.model_bytes)
    with tempfile.TemporaryDirectory(dir=home.run) as folder:
        dump = Path(folder) / DUMP
        for name, size, content in members(source, manifest):
            if name.startswith(MEDIA):
                names.append(name.removeprefix(MEDIA))
                _store(names[-1], content)
            elif name.startswith(MODELS):
                _put(_model_path(name.removeprefix(MODELS)), content)
            elif name == DUMP:
                _put(dump, content)
                continue
            progress(size)
        os.sync()
        with as_owner():
            database.load(dump)
            _compare(manifest.tables, database.rows_by_table())
            call_command("migrate", interactive=False, verbosity=0)
            database.analyse()
    record(None, None, "restored the site", backup_of=manifest.created_at, missing=len(manifest.missing))


def _store(name: str, content: IO[bytes]) -> None:
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        shutil.copyfileobj(content, spool)
        spool.seek(0)
        if default_storage.save(name, File(spool, name)) != name:
            raise BackupError(
                f"The folder or bucket for images got a file {name} meanwhile: begin with an empty one."
            )


def _model_path(name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BackupError(f"The backup has a model outside of its folder: {name}.")
    return site_files.models_folder() / path


def _put(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)


def _compare(before: dict[str, int], after: dict[str, int]) -> None:
    for table in sorted(before.keys() | after.keys()):
        if before.get(table) != after.get(table):
            raise BackupError(
                f"{table} has {after.get(table)} rows after the restore and had {before.get(table)}: nothing was restored."
            )
