"""`lungrater restore FILE`: a site out of its backup, into an empty home or database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lungrater.backup import places
from lungrater.backup.bars import bar
from lungrater.backup.errors import BackupError, RefusedError
from lungrater.backup.restoring import Restored, restore
from lungrater.embedded.urls import environment_value

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = (
        "Check a backup and restore it into an empty LUNGRATER_HOME, or the empty DATABASE_URL, DATABASE_OWNER_URL and "
        "STORAGE_URL of the environment; then verify the site. A damaged or newer file is refused before anything is touched."
    )
    # The pages need not be looked at to restore what lies behind them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a path, or s3://bucket/folder/file?endpoint=…")
        key = parser.add_mutually_exclusive_group()
        key.add_argument(
            "--key", type=Path, metavar="FILE", help="the copy of the site's secret key that was kept apart"
        )
        key.add_argument("--new-key", action="store_true", help="go on without the site's secret key")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, file: str, key: Path | None, **options: Any) -> None:
        try:
            with places.local_copy(file) as source:
                restored = restore(
                    source,
                    passphrase=environment_value("BACKUP_PASSPHRASE"),
                    key_file=key,
                    new_key=options["new_key"],
                    watch=bar,
                )
        except RefusedError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_facts(restored) if options["json"] else "\n".join(_lines(restored)))
        if restored.discrepancies:
            raise CommandError(f"{len(restored.discrepancies)} things are not as they were written.")


def _facts(restored: Restored) -> str:
    manifest = restored.manifest
    facts = {
        "created_at": manifest.created_at,
        "tables": manifest.tables,
        "files": manifest.files,
        "models": manifest.models,
        "missing": manifest.missing,
        "discrepancies": restored.discrepancies,
    }
    return json.dumps(facts, ensure_ascii=False)


def _lines(restored: Restored) -> list[str]:
    manifest = restored.manifest
    content = (
        f"{sum(manifest.tables.values())} rows, {manifest.files} files, {manifest.models} files of models"
    )
    lines = [f"Restored as of {manifest.created_at}: {content}."]
    lines += [f"Missing in the backup already: {name}" for name in manifest.missing]
    lines += restored.discrepancies
    if not restored.discrepancies:
        lines.append("Everything is as it was written.")
    return lines
