"""`lungrater machine-rater STUDY …`: let a model read an open study under the same order and blinding."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from generation.images.engines.protocol import EngineError
from jobs.command_line.options import Options
from lungrater.machines.model_folder import NotAModelError, looker_of
from lungrater.machines.vision_model import VisionLooker
from rating.management.commands.study import study_named
from rating.models import Study
from rating.reading.machine_raters import Looker, Reading, enrol_machine, read
from rating.studies.study import NotPossibleError

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = (
        "Let a model rate an open study: shown the blinded images in an order of its own, marked as a machine, and "
        "kept out of every number about people. The same model goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--folder",
            type=Path,
            help="a classifier trained here, or model.pt (TorchScript) with machine.json",
        )
        what.add_argument("--model", metavar="NAME", help="a vision model of an OpenAI-compatible service")
        parser.add_argument("--base-url", default="", help="the service's address; default OPENAI_BASE_URL")
        parser.add_argument(
            "--unsure",
            type=float,
            default=0.0,
            metavar="WIDTH",
            help="a folder's model is unsure where its probability is this near to 0.5 (0 to 0.5)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, study: str, **options: Any) -> None:
        named_study = study_named(study)
        try:
            looker = _looker(named_study, options)
            enrolment = enrol_machine(named_study, looker)
            reading = _followed(enrolment, looker)
        except (NotPossibleError, NotAModelError) as reason:
            raise CommandError(str(reason)) from None
        except EngineError as reason:
            raise CommandError(f"{reason} What is rated stays; run the command again to go on.") from None
        report = {
            "study": named_study.name,
            "rater": enrolment.pseudonym,
            "machine": enrolment.machine,
            "rated": reading.done - reading.silent,
            "without_answer": reading.silent,
        }
        self.stdout.write(
            json.dumps(report, ensure_ascii=False)
            if options["json"]
            else "{machine} is {rater} of “{study}” and has rated {rated} images now.".format(**report)
        )
        if reading.silent:
            raise CommandError(
                f"{reading.silent} of {reading.total} images have no answer ({reading.why}) Run the command again to ask for these."
            )


def _looker(study: Study, options: Options) -> Looker:
    if options["folder"] is None:
        base_url = options["base_url"] or settings.OPENAI_BASE_URL
        return VisionLooker(options["model"], study.instructions, base_url)
    if not 0 <= options["unsure"] <= 0.5:
        raise CommandError("--unsure is from 0 to 0.5.", returncode=BAD_ARGUMENT)
    if not options["folder"].is_dir():
        raise CommandError(f"There is no folder {options['folder']}.", returncode=BAD_ARGUMENT)
    return looker_of(options["folder"], unsure=options["unsure"])


def _followed(enrolment: Any, looker: Looker) -> Reading:
    """Read to the end with a bar; what an earlier call rated is not read again."""
    steps = read(enrolment, looker)
    reading = next(steps)
    with tqdm(total=reading.total, unit="image", desc=enrolment.pseudonym) as bar:
        for _ in steps:
            bar.update()
    return reading
