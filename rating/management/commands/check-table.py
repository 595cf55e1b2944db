"""`lungrater check-table`: whether a published table's claims can be true."""  # noqa: N999  the command has a hyphen in its name

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.command_line.options import Options
from rating.results.check_table import SPOT_THE_FAKE_LUNGS, CheckedPart, Part, check, counts_of
from rating.results.exhibit import as_text

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = (
        "Check two raters' published counts and overlap claims; without counts: “Spot the fake lungs” (2022)."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--first", metavar="real=14,fake=4,unsure=2", help="the first rater's counts")
        parser.add_argument(
            "--second", metavar="real=10,…", help="the second rater's; a label left out is open"
        )
        parser.add_argument(
            "--claim", default="", metavar="real=5,…", help="images both are said to have called so"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        if bool(options["first"]) != bool(options["second"]):
            raise CommandError(
                "Give the counts of both raters: --first and --second.", returncode=BAD_ARGUMENT
            )
        try:
            parts = _parts(options) if options["first"] else SPOT_THE_FAKE_LUNGS
            results = [check(part) for part in parts]
        except ValueError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
        if options["json"]:
            self.stdout.write(
                json.dumps([_plain(result) for result in results], ensure_ascii=False, indent=2)
            )
            return
        for result in results:
            self.stdout.write(f"{result.name}: {result.images} images")
            for name, low, high in result.ranges.rows:
                self.stdout.write(f"  {name:<16}{as_text(low):>8} to {as_text(high)}")
            for claim in result.claims:
                self.stdout.write(f"  {'ok ' if claim.feasible else 'NO '} {claim.sentence}")
            self.stdout.write(f"  {result.fits}")


def _parts(options: Options) -> tuple[Part, ...]:
    claims = {label: n for label, n in counts_of(options["claim"]).items() if n is not None}
    return (Part("Table", counts_of(options["first"]), counts_of(options["second"]), claims),)


def _plain(result: CheckedPart) -> dict[str, object]:
    return {
        "name": result.name,
        "images": result.images,
        "ranges": {str(name): [low, high] for name, low, high in result.ranges.rows},
        "claims": [{"feasible": claim.feasible, "sentence": claim.sentence} for claim in result.claims],
        "fits": result.fits,
    }
