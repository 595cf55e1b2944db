"""`lungrater backup FILE`: the whole site in one file, while it runs."""

from __future__ import annotations

import contextlib
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lungrater.backup import places
from lungrater.backup.backing_up import back_up, noted
from lungrater.backup.bars import bar
from lungrater.backup.errors import BackupError, RefusedError
from lungrater.backup.manifest import Manifest
from lungrater.embedded.home import Home
from lungrater.embedded.urls import environment_value

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = (
        "Write database, images and models to one file, as of one moment, while the site runs. The secret key goes in only "
        "if BACKUP_PASSPHRASE (or the file that BACKUP_PASSPHRASE_FILE names) is there to seal it with."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--to", metavar="URL", help="put a copy into s3://bucket/folder?endpoint=… or a folder too"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, file: Path, to: str | None, **options: Any) -> None:
        try:
            # Where there are nightly ones, it is they that are watched.
            with contextlib.nullcontext() if settings.BACKUP_URL else noted():
                manifest = back_up(file, passphrase=environment_value("BACKUP_PASSPHRASE"), watch=bar)
                if to:
                    places.copy_to(to, file)
        except RefusedError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            _facts(file, to, manifest) if options["json"] else "\n".join(_lines(file, manifest))
        )


def _facts(file: Path, to: str | None, manifest: Manifest) -> str:
    facts = {
        "file": str(file),
        "copy": places.readable(to) if to else None,
        "bytes": file.stat().st_size,
        "created_at": manifest.created_at,
        "rows": sum(manifest.tables.values()),
        "tables": manifest.tables,
        "files": manifest.files,
        "models": manifest.models,
        "missing": manifest.missing,
        "has_secret_key": manifest.has_secret_key,
        "anchor": manifest.anchor,
    }
    return json.dumps(facts, ensure_ascii=False)


def _lines(file: Path, manifest: Manifest) -> list[str]:
    content = (
        f"{sum(manifest.tables.values())} rows, {manifest.files} files, {manifest.models} files of models"
    )
    lines = [f"{file}: {content}, as of {manifest.created_at}."]
    lines += [f"Missing, though a row names it: {name}" for name in manifest.missing]
    if not manifest.has_secret_key:
        key = Home.from_environment().secret_key
        where = "SECRET_KEY" if environment_value("SECRET_KEY") else str(key)
        lines.append(f"The secret key is not in it: keep a copy of {where} apart, or set BACKUP_PASSPHRASE.")
    return lines
