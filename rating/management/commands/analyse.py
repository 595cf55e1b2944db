"""`lungrater analyse`: every number of a study that is over."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import record
from pool.canonical.typed_json import as_json
from rating.management.commands.study import study_named
from rating.results.build_report import results_of
from rating.results.sections.primary import sentence
from rating.results.text import agreement_text


class Command(BaseCommand):
    help = "The primary result and the agreement of a closed study as text, or every number of its report as JSON; by truth once unblinded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, study: str, **options: Any) -> None:
        named_study = study_named(study)
        if not named_study.is_over:
            raise CommandError(f"“{named_study}” is {named_study.state}: close it before it is analysed.")
        if named_study.is_unblinded:
            record(named_study, None, "looked at the truth", page="command line")
        results = results_of(named_study)
        if options["json"]:
            # The agreement report stands at the top, as `lungrater agreement --json` gives it.
            plain = as_json(results)
            self.stdout.write(
                json.dumps({**plain["agreement"], **plain}, ensure_ascii=False, allow_nan=False)
            )
        else:
            self.stdout.write(f"{sentence(results)}\n")
            self.stdout.write(agreement_text(results.agreement, results.notes))
