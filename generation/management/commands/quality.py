"""`lungrater quality …`: judge generated images by machine, here and now, with the same rows as the site."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.declared_extractors import SITE
from generation.models import QualityReport
from generation.quality.forms import QualityForm
from generation.quality.models import Part
from jobs.command_line.form_command import fill, refusal
from jobs.command_line.options import Options
from jobs.command_line.run_inline import perform_with_bar
from pool.models import Dataset

SIDES = ("reference", "candidate")


class Command(BaseCommand):
    """Compares in this process and prints the numbers."""

    help = "Compare a dataset of generated images with one of real images, and look for copies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reference", required=True, metavar="NAME", help="the real images")
        parser.add_argument("--candidate", required=True, metavar="NAME", help="the images to judge")
        parser.add_argument(
            "--split",
            choices=["train", "test"],
            default="",
            help="of the reference, only what training learns from, or holds out",
        )
        parser.add_argument("--most", type=int, default=2000, help="images of each side, at most")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--extractors",
            nargs="+",
            default=[SITE],
            metavar="NAME",
            help="site, frd, or recipes in the home's models/extractors, by file name without .toml",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        report = _form(options).submit(None, enqueue=False)
        perform_with_bar(report, unit="image")
        if report.state != QualityReport.State.SUCCEEDED:
            raise CommandError(report.error or f"The report was {report.state}.")
        if options["json"]:
            self.stdout.write(json.dumps({"report": report.pk, **report.results}, ensure_ascii=False))
            return
        for line in _in_words(report):
            self.stdout.write(line)


def _form(options: Options) -> QualityForm:
    """The page's form, filled. Raises CommandError."""
    datasets = {side: Dataset.objects.filter(name=options[side]).first() for side in SIDES}
    for side, dataset in datasets.items():
        if dataset is None:
            raise refusal(f"There is no dataset {options[side]!r}.")
    values = {side: dataset and dataset.pk for side, dataset in datasets.items()}
    values |= {name: options[name] for name in ("split", "most", "seed", "extractors")}
    return fill(QualityForm, values, title="A quality report")


def _in_words(report: QualityReport) -> list[str]:
    extractors = ", ".join(
        f"{facts['name']} ({facts['sha256'][:12]})" if facts["sha256"] else facts["name"]
        for facts in report.extractor_facts
    )
    lines = [f"{report}: {report.message}; measured by {extractors}."]
    for part in [Part("", "", report.numbers), *report.parts]:
        if part.name:
            lines.append(f"{part.kind} {part.name}:")
        lines += [
            f"  {number.name:<32}{number.value:>9}  {number.interval:<20} {number.reason or number.note}".rstrip()
            for number in part.numbers
        ]
    return lines
