"""`lungrater agreement FILE.csv`: how well the raters of any ratings file agree, without a database."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pool.canonical.typed_json import as_json
from rating.results.text import agreement_text
from rating.statistics import LABELS, RatingsError, agreement_report, notes, read_ratings
from rating.statistics.ratings_file import UnknownColumnError
from rating.statistics.ratings_table import check_labels

BAD_ARGUMENT = 2


class Command(BaseCommand):
    """Prints the agreement of a ratings CSV as a table, or as JSON."""

    help = (
        "Agreement of the raters in a ratings CSV (columns rater, image, label): percent, kappas, alpha, AC1."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            metavar="FILE",
            help="ratings: CSV, Excel, Label Studio or doccano; - is the standard input",
        )
        parser.add_argument(
            "--labels",
            default=",".join(LABELS),
            metavar="A,B,…",
            help="the declared labels (real,fake,unsure)",
        )
        parser.add_argument(
            "--by", metavar="COLUMN", help="also for each group of images (default: modality)"
        )
        parser.add_argument("--session", metavar="N", help="only the rows of this session")
        parser.add_argument(
            "--wide", action="store_true", help="each row is an image and each further column a rater"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        labels = tuple(label.strip() for label in options["labels"].split(","))
        try:
            check_labels(labels)
        except RatingsError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
        try:
            table = read_ratings(file, labels, options["by"], options["session"], options["wide"])
        except OSError as error:
            raise CommandError(
                f"Cannot read {file}: {error.strerror or error}.", returncode=BAD_ARGUMENT
            ) from error
        except UnknownColumnError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
        except RatingsError as error:
            raise CommandError(str(error)) from error
        report = agreement_report(table)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(report), indent=2, allow_nan=False))
        else:
            self.stdout.write(agreement_text(report, notes(report)))
