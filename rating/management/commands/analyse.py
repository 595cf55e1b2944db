"""`lungrater analyse`: the agreement of a study's raters."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rating.analysis.report import agreement_report, counts, notes
from rating.analysis.study import readings, table_of
from rating.analysis.text import agreement_text
from rating.management.commands.study import study_named


class Command(BaseCommand):
    help = "Counts and agreement of a closed study; counts by truth once it is unblinded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, study: str, **options: Any) -> None:
        found = study_named(study)
        if not found.is_over:
            raise CommandError(f"“{found}” is {found.state}: close it before it is analysed.")
        rows = readings(found)
        table = table_of(rows)
        report = agreement_report(table)
        if not options["json"]:
            self.stdout.write(agreement_text(report, notes(report)))
            return
        report["counts"] = {
            "modality": counts(table, "modality"),
            "truth": counts(table, {row.image: row.truth for row in rows}),
        }
        self.stdout.write(json.dumps(report, ensure_ascii=False))
