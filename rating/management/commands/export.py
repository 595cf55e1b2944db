"""`lungrater export`: the ratings of a study that is over, in the format a tool needs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import record
from rating.management.commands.study import study_named
from rating.models import Study
from rating.results.export.imrmc import imrmc_lines
from rating.results.export.ratings_csv import codebook_lines, csv_lines
from rating.results.verification import verify_study

BAD_ARGUMENT = 2


def _csv(study: Study) -> bytes:
    return "".join(csv_lines(study)).encode()


def _machines(study: Study) -> bytes:
    return "".join(csv_lines(study, machines=True)).encode()


def _json(study: Study) -> bytes:
    from rating.results.export.bundle import ratings_json

    return ratings_json(study).encode()


def _imrmc(study: Study) -> bytes:
    from rating.results.query import read_columns

    try:
        return "".join(imrmc_lines(read_columns(study), study.name)).encode()
    except ValueError as error:
        raise CommandError(str(error)) from error


def _bundle(study: Study) -> bytes:
    from rating.results.export.bundle import bundle

    return bundle(study, f"{timezone.now():%Y-%m-%d}")


FORMATS: dict[str, Callable[[Study], bytes]] = {
    "csv": _csv,
    "machines": _machines,
    "json": _json,
    "imrmc": _imrmc,
    "bundle": _bundle,
}


class Command(BaseCommand):
    help = "Write a closed study's ratings: CSV with its codebook, the machines' CSV, JSON, iMRMC input, or all in one zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("-o", "--output", type=Path, help="default: standard output")
        parser.add_argument("--format", choices=list(FORMATS), default="csv")

    def handle(self, *_args: Any, study: str, output: Path | None, **options: Any) -> None:
        named_study = study_named(study)
        kind: str = options["format"]
        if not named_study.is_over:
            raise CommandError(
                f"“{named_study}” is {named_study.state}: close it before its ratings are exported."
            )
        if output is None and kind == "bundle" and sys.stdout.isatty():
            raise CommandError("A bundle is a zip: name a file with -o.", returncode=BAD_ARGUMENT)
        content = FORMATS[kind](named_study)
        record(
            named_study,
            None,
            "exported ratings",
            with_truth=named_study.is_unblinded,
            format=kind,
            verified=verify_study(named_study).is_whole,
        )
        if output is None:
            sys.stdout.buffer.write(content)
            return
        try:
            output.write_bytes(content)
            if kind == "csv":
                output.with_suffix(".codebook.csv").write_text(
                    "".join(codebook_lines(named_study)), encoding="utf-8", newline=""
                )
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
