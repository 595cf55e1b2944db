"""`lungrater rewindow DATASET --window bone --name NAME`: a dataset's kept values under another window."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.membership.owner_option import add_owner_option, owner_of
from jobs.command_line.form_command import refusal
from jobs.command_line.run_inline import perform_with_bar
from pool.imports import tasks  # noqa: F401  which says who performs an import
from pool.models import Dataset, ImportJob
from pool.rendering.forms import WindowForm


class Command(BaseCommand):
    """Makes the new dataset in this process."""

    help = "Show the kept DICOM values of a dataset under another window, as a new dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        add_owner_option(parser, otherwise="whoever has a part in DATASET has the same in the new one")
        parser.add_argument("dataset", metavar="DATASET", help="whose values")
        parser.add_argument(
            "--window",
            required=True,
            metavar="W",
            help="lung, mediastinum, bone, range, file or CENTRE/WIDTH",
        )
        parser.add_argument("--name", required=True, metavar="NAME", help="of the new dataset")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_of(options)
        datasets = Dataset.objects.all() if owner is None else Dataset.objects.editable_by(owner)
        dataset = datasets.filter(name=options["dataset"]).first()
        if dataset is None and owner is not None:
            raise refusal(f"There is no dataset {options['dataset']!r} that {owner} may change.")
        if dataset is None:
            raise refusal(f"There is no dataset {options['dataset']!r}.")
        form = WindowForm({"window": options["window"], "name": options["name"]}, dataset=dataset)
        if not form.is_valid():
            raise refusal(" ".join(str(error) for errors in form.errors.values() for error in errors))
        job = form.submit(by=owner, enqueue=False)
        perform_with_bar(job, unit="image")
        if job.state != ImportJob.State.SUCCEEDED:
            raise CommandError(job.error or f"It was {job.state}.")
        refused = list(job.outcomes.refused().values("file", "reason"))
        if options["json"]:
            self.stdout.write(json.dumps({"imported": job.imported, "refused": refused}, ensure_ascii=False))
            return
        self.stdout.write(f"{job.imported} images in “{job.dataset}”, {len(refused)} refused.")
        for entry in refused:
            self.stdout.write(f"  refused: {entry['file']}: {entry['reason']}")
