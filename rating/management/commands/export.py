"""`lungrater export`: the ratings of a study that is over, in the format a tool needs."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import record
from jobs.snapshot import one_snapshot
from rating.management.commands.study import study_named
from rating.models import Study
from rating.results.export.imrmc import imrmc_lines
from rating.results.export.log import event_lines, revision_lines
from rating.results.export.parquet import NoParquetError, write_parquet
from rating.results.export.raters_csv import rater_lines
from rating.results.export.rating_rows import row_count
from rating.results.export.ratings_csv import codebook_lines, csv_lines, json_lines
from rating.results.export.remarks_csv import remark_lines
from rating.results.verification import verify_study

BAD_ARGUMENT = 2
Lines = Callable[[Study], Iterator[str]]


LINES: dict[str, Lines] = {
    "csv": csv_lines,
    "machines": lambda study: csv_lines(study, machines=True),
    "json": json_lines,
    "imrmc": imrmc_lines,
    "raters": rater_lines,
    "remarks": remark_lines,
    "log": lambda study: event_lines(study.events),
    "revisions": revision_lines,
}
OF_RATINGS = ("csv", "json", "parquet")
BINARY = {"parquet", "bundle"}


class Command(BaseCommand):
    help = (
        "Write a closed study's ratings: CSV with its codebook, Parquet, JSON, the machines' CSV, iMRMC input, raters, remarks, "
        "log, revisions, or all in one zip."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("-o", "--output", type=Path, help="default: standard output")
        parser.add_argument("--format", choices=[*LINES, *sorted(BINARY)], default="csv")
        parser.add_argument(
            "--with-images", action="store_true", help="of a bundle: every image as raters saw it"
        )

    def handle(self, *_args: Any, study: str, output: Path | None, **options: Any) -> None:
        named_study = study_named(study)
        kind: str = options["format"]
        if not named_study.is_over:
            raise CommandError(
                f"“{named_study}” is {named_study.state}: close it before its ratings are exported."
            )
        if output is None and kind in BINARY and sys.stdout.isatty():
            raise CommandError(f"A {kind} is no text: name a file with -o.", returncode=BAD_ARGUMENT)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "export"
            with one_snapshot():
                rows = _write(named_study, kind, path, with_images=options["with_images"])
                verified = verify_study(named_study).is_whole
            record(
                named_study,
                None,
                "exported ratings",
                with_truth=named_study.is_unblinded,
                format=kind,
                verified=verified,
            )
            try:
                _hand_over(path, output)
                if output is not None and kind != "bundle":
                    _write_beside(named_study, kind, output, rows)
            except OSError as error:
                raise CommandError(f"{output} cannot be written: {error.strerror}.") from error


def _write(study: Study, kind: str, path: Path, *, with_images: bool) -> int | None:
    """Write the export to this path; how many rows, where it has rows of ratings. Raises CommandError."""
    try:
        if kind == "bundle":
            from rating.results.export.bundle import write_bundle  # fpdf2, which no other format needs

            write_bundle(study, f"{timezone.now():%Y-%m-%d}", path, with_images=with_images)
            return None
        if kind == "parquet":
            return write_parquet(study, path)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(LINES[kind](study))
    except (NoParquetError, ValueError) as error:
        raise CommandError(str(error)) from error
    return row_count(study) if kind in OF_RATINGS else None


def _hand_over(path: Path, output: Path | None) -> None:
    with path.open("rb") as file:
        if output is None:
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with output.open("wb") as target:
            shutil.copyfileobj(file, target)


def _write_beside(study: Study, kind: str, output: Path, rows: int | None) -> None:
    """The codebook of a CSV, and of every file its size, its SHA-256 and how many ratings it has."""
    if kind == "csv":
        output.with_suffix(".codebook.csv").write_text(
            "".join(codebook_lines(study)), encoding="utf-8", newline=""
        )
    with output.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {"file": output.name, "bytes": output.stat().st_size, "sha256": digest, "rows": rows}
    words = json.dumps({"study": study.name, "files": [facts]}, ensure_ascii=False, indent=1)
    output.with_name(f"{output.name}.manifest.json").write_text(words, encoding="utf-8")
