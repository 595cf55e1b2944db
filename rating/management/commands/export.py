"""`lungrater export`: the ratings of a study that is over, as CSV."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rating.export.ratings_csv import codebook_lines, csv_lines
from rating.management.commands.study import study_named
from rating.models import AuditEvent


class Command(BaseCommand):
    help = "Write a closed study's ratings as CSV, with the codebook beside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("-o", "--output", type=Path, help="default: standard output")
        parser.add_argument("--format", choices=["csv"], default="csv")

    def handle(self, *_args: Any, study: str, output: Path | None, **_options: Any) -> None:
        found = study_named(study)
        if not found.is_over:
            raise CommandError(f"“{found}” is {found.state}: close it before its ratings are exported.")
        AuditEvent.record(found, None, "exported ratings", with_truth=found.is_unblinded)
        if output is None:
            sys.stdout.writelines(csv_lines(found))
            return
        try:
            with output.open("w", encoding="utf-8", newline="") as file:
                file.writelines(csv_lines(found))
            with output.with_suffix(".codebook.csv").open("w", encoding="utf-8", newline="") as file:
                file.writelines(codebook_lines())
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
