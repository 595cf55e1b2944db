# ruff: noqa: N999  (the module is named for the command people type)
"""`lungrater import-ratings FILE --name NAME`: ratings made elsewhere, and every number they give."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from accounts.membership.owner_option import add_owner_option, owner_of
from jobs.command_line.form_command import fill, upload
from rating.results.imported.form import ImportedRatingsForm
from rating.results.imported.model import NOTICE
from rating.results.imported.numbers import plain_of, results_of_imported, truth_words
from rating.results.text import agreement_text

OPTIONS = {"truth_file": "truth", "origin": "from"}


class Command(BaseCommand):
    help = "Import ratings made elsewhere (CSV, Excel, Label Studio, doccano) for analysis, marked as imported, beside the studies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_owner_option(parser)
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="columns rater, image and answer or label"
        )
        parser.add_argument("--name", required=True, metavar="NAME")
        parser.add_argument("--truth", type=Path, metavar="CSV", help="columns image and truth")
        parser.add_argument(
            "--from", dest="origin", default="", metavar="TEXT", help="who rated what, and how"
        )
        parser.add_argument("--modality", default="", help="of all images, unless the file says it")
        parser.add_argument("--session", default="", metavar="N", help="only the rows of this session")
        for label in ("real", "fake", "unsure"):
            parser.add_argument(
                f"--{label}-words", default="", metavar="A,B,…", help=f"what the file writes for {label}"
            )
        parser.add_argument("--json", action="store_true", help="every number as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        names = ("name", "origin", "modality", "session", "real_words", "fake_words", "unsure_words")
        values = {name: options[name] for name in names}
        files = {"file": upload(options["file"]), "truth_file": upload(options["truth"])}
        form = fill(ImportedRatingsForm, {**values, **files}, title="Ratings", options=OPTIONS)
        row = form.save_by(owner_of(options))
        if options["json"]:
            self.stdout.write(json.dumps(plain_of(row), ensure_ascii=False, allow_nan=False))
            return
        results = results_of_imported(row)
        self.stdout.write(f"{NOTICE}\n{truth_words(results)}\n\n")
        self.stdout.write(agreement_text(results.agreement, results.notes))
