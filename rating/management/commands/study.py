"""`lungrater study …`: a study's life from the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pool.models import Dataset
from pool.progress import followed
from rating.models import Enrolment, Freeze, Stratum, Study
from rating.models.studies import NotPossible


class Command(BaseCommand):
    help = "Create, freeze, open, close or unblind a study, or say how far it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        create = acts.add_parser("create", help="a draft of NAME with so many images of each dataset")
        create.add_argument("name")
        create.add_argument(
            "--images",
            action="append",
            required=True,
            metavar="DATASET=COUNT",
            help="how many images of a dataset to show; once per dataset",
        )
        create.add_argument("--canvas", type=int, default=512, help="side of the square shown, in pixels")
        for act, what in {
            "freeze": "fix the images, their blinded derivatives and every rater's order",
            "open": "let raters begin",
            "close": "take no more ratings, for good",
            "status": "state, raters and progress",
        }.items():
            acts.add_parser(act, help=what).add_argument("name")
        acts.choices["status"].add_argument("--json", action="store_true")
        unblind = acts.add_parser("unblind", help="show the truth from now on")
        unblind.add_argument("name")
        unblind.add_argument("--reason", required=True)

    def handle(self, *_args: Any, act: str, name: str, **options: Any) -> None:
        try:
            if act == "create":
                create(name, options["images"], canvas=options["canvas"])
            else:
                ACTS[act](study_named(name), options, self.stdout.write)
        except NotPossible as reason:
            raise CommandError(str(reason)) from reason
        if act != "status":
            self.stdout.write(f"“{name}” is {study_named(name).state}.")


def study_named(name: str) -> Study:
    try:
        return Study.objects.get(name=name)
    except Study.DoesNotExist:
        names = ", ".join(Study.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no study “{name}”; the studies are: {names}.") from None


@transaction.atomic
def create(name: str, images: list[str], *, canvas: int) -> Study:
    if Study.objects.filter(name=name).exists():
        raise CommandError(f"There is a study “{name}” already.")
    study = Study.objects.create(name=name, canvas=canvas)
    for words in images:
        dataset, _, count = words.rpartition("=")
        found = Dataset.objects.filter(name=dataset).first()
        if found is None:
            raise CommandError(f"There is no dataset “{dataset}” (asked for as {words}).")
        if not count.isdecimal() or int(count) < 1:
            raise CommandError(f"Say how many images as DATASET=COUNT, not {words}.")
        Stratum.objects.create(study=study, dataset=found, count=int(count))
    return study


def _freeze(study: Study, _options: dict[str, Any], _write: Callable[[str], Any]) -> None:
    if reasons := study.reasons_not_to_freeze():
        raise NotPossible(" ".join(reasons))
    freeze = Freeze.objects.create(study=study)
    with followed(freeze):
        freeze.perform()
    if freeze.state != Freeze.State.SUCCEEDED:
        raise CommandError(freeze.error or f"Freezing was {freeze.state}.")


def _status(study: Study, options: dict[str, Any], write: Callable[[str], Any]) -> None:
    raters = [
        {"rater": e.pseudonym, "rated": e.rated_count, "presentations": e.presentation_count}
        for e in Enrolment.objects.filter(study=study).with_progress()
    ]
    waits = study.reasons_not_to_open() if study.opened_at is None else []
    if options["json"]:
        status = {"study": study.name, "state": study.state, "raters": raters, "not_open_because": waits}
        write(json.dumps(status, ensure_ascii=False))
        return
    write(f"“{study}” is {study.state}.")
    for line in waits:
        write(f"  {line}")
    for rater in raters:
        write("  {rater}: {rated} of {presentations} images rated".format(**rater))


ACTS: dict[str, Callable[[Study, dict[str, Any], Callable[[str], Any]], None]] = {
    "freeze": _freeze,
    "open": lambda study, _options, _write: study.open(None),
    "close": lambda study, _options, _write: study.close(None),
    "unblind": lambda study, options, _write: study.unblind(None, options["reason"]),
    "status": _status,
}
