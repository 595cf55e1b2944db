"""`lungrater utility …`: what the fakes are good for, found out here and now, with the same rows as the site."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.diffusion.presets import PRESETS as GENERATORS
from generation.diffusion.run_config import toml_of
from generation.models import UtilityExperiment
from generation.utility.config import PRESETS
from generation.utility.forms import UtilityForm
from generation.utility.pipeline import names_taken
from generation.utility.report import in_words
from generation.utility.results import ExternalTest, UtilityResults
from jobs.command_line.form_command import fill, refusal
from jobs.command_line.options import Options
from jobs.command_line.run_inline import perform_with_bar
from pool.models import Dataset

AS_ON_THE_PAGE = ("preset", "labels", "seeds", "steps", "seed", "per_class", "without_copies", "subgroups")
NUMBERS = ("seeds", "size", "steps", "batch", "seed")


class Command(BaseCommand):
    """Trains the classifiers in this process and prints the gap."""

    help = "Train classifiers on synthetic, real and both kinds of images and test them on unseen real ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--real", metavar="NAME", help="labelled real images, some of them for testing")
        parser.add_argument(
            "--synthetic", metavar="NAME", action="append", default=[], help="may be given several times"
        )
        parser.add_argument(
            "--external",
            metavar="NAME",
            help="real images of another site with the same labels: tested on too, never trained on",
        )
        parser.add_argument("--name", help="of the experiment (default: made from the datasets)")
        parser.add_argument("--preset", choices=PRESETS, default="tiny")
        parser.add_argument("--architectures", metavar="A,B", help="instead of the preset's")
        parser.add_argument("--ratios", metavar="R,R", help="synthetic images for each real one, mixed arms")
        parser.add_argument("--shares", metavar="S,S", help="parts of the synthetic images, learning curve")
        parser.add_argument("--labels", metavar="L,L", help="the findings to tell apart (default: all)")
        parser.add_argument(
            "--further-arms",
            metavar="A,A",
            help="pretrained (synthetic first, then real) and all (real and all synthetic), each with as many steps on its images as real only",
        )
        parser.add_argument(
            "--subgroups",
            metavar="A,A",
            default="",
            help="stored attributes whose values are told apart (default: sex,age_band,view,site)",
        )
        for number in NUMBERS:
            parser.add_argument(f"--{number}", type=int, help="instead of the preset's")
        parser.add_argument(
            "--weights",
            metavar="ARCHITECTURE=FILE",
            action="append",
            default=[],
            help="a file of the home's models/weights to start from",
        )
        parser.add_argument(
            "--without-copies",
            action="store_true",
            help="leave copies of test images out instead of refusing",
        )
        parser.add_argument(
            "--train", choices=GENERATORS, metavar="PRESET", help="first train a model on the real images"
        )
        parser.add_argument(
            "--per-class", type=int, metavar="N", help="images the model makes of each finding"
        )
        parser.add_argument("--resume", metavar="NAME", help="go on with an experiment that was stopped")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["resume"]:
            experiment = _resumed(options["resume"])
        else:
            form = _form(options)
            self.stderr.write(form.estimate().sentence)
            experiment = form.submit(None, enqueue=False)
        _see_the_stages_through(experiment)
        perform_with_bar(experiment, unit="classifier")
        report = {
            "experiment": experiment.name,
            "state": experiment.state,
            "error": experiment.error,
            "leaks": experiment.leaks,
            "report": experiment.report,
        }
        if options["json"]:
            self.stdout.write(json.dumps(report))
        elif experiment.report:
            self.stdout.write("\n".join(_lines(experiment.results)))
        if experiment.state != UtilityExperiment.State.SUCCEEDED:
            raise CommandError(experiment.error or f"The experiment was {experiment.state}.")


def _see_the_stages_through(experiment: UtilityExperiment) -> None:
    """Train the model and make its images first, where they are not there yet."""
    while not experiment.advance(enqueue=False):
        experiment.refresh_from_db()
        name, stage = experiment.stages[-1]
        if not stage.is_active:
            raise CommandError(experiment.error)
        perform_with_bar(stage, unit="step" if name == "Model" else "image")
        if stage.state == stage.State.RUNNING:
            raise CommandError(
                f"A worker is at {stage}; ask again with --resume “{experiment}” when it is done."
            )


def _lines(results: UtilityResults) -> list[str]:
    lines = _test_lines("unseen real images", results)
    if results.external:
        lines += _test_lines(f"images of the external test set {results.external.dataset}", results.external)
        lines += [
            f"  {fall.arm}, {fall.architecture}: test split less external set, balanced accuracy "
            f"{in_words(fall.scores['balanced_accuracy'])}, AUC {in_words(fall.scores['auc'])}"
            for fall in results.external.falls
        ]
    return lines


def _test_lines(images: str, results: UtilityResults | ExternalTest) -> list[str]:
    """One test by its numbers."""
    gap = results.headline.balanced_accuracy
    lines = [
        f"Balanced accuracy on {results.test_images:,} {images} of {results.test_patients:,} patients:",
        f"  trained on synthetic {in_words(gap.synthetic)}, on real {in_words(gap.real)}",
        f"  gap {in_words(gap.mean)}",
    ]
    lines += [
        f"  {arm.arm}, {arm.architecture} ({arm.real} real, {arm.synthetic} synthetic): "
        f"accuracy {in_words(arm.scores['accuracy'])}, AUC {in_words(arm.scores['auc'])}"
        for arm in results.arms
    ]
    return lines + [
        f"  by {row.attribute}, {row.arm}, {row.architecture}: "
        + (
            f"worst {row.worst}, best {row.best}, gap in AUC {in_words(row.gap)}"
            if row.worst
            else str(row.gap.reason)
        )
        for row in results.subgroups
    ]


def _form(options: Options) -> UtilityForm:
    """The page's form, filled. Raises CommandError."""
    real = _dataset(options["real"])
    values = {
        **{name: options[name] for name in AS_ON_THE_PAGE},
        "name": options["name"] or _fresh_name(real),
        "real": real.pk,
        "synthetic": [_dataset(name).pk for name in options["synthetic"]],
        "external": _dataset(options["external"]).pk if options["external"] else None,
        "generator": options["train"],
        "architectures": [
            part.strip() for part in (options["architectures"] or "").split(",") if part.strip()
        ],
        "further_arms": [part.strip() for part in (options["further_arms"] or "").split(",") if part.strip()],
        "settings": toml_of(_settings(options)),
    }
    return fill(UtilityForm, values, title="A utility experiment", options={"generator": "train"})


def _settings(options: Options) -> dict[str, object]:
    """What has no field of its own on the page. Raises CommandError."""
    settings: dict[str, object] = {
        name: options[name] for name in ("size", "batch") if options[name] is not None
    }
    try:
        for name in ("ratios", "shares"):
            if options[name] is not None:
                settings[name] = [float(part) for part in options[name].split(",") if part.strip()]
        if options["weights"]:
            settings["weights"] = dict(pair.split("=", 1) for pair in options["weights"])
    except ValueError as error:
        raise refusal(str(error)) from error
    return settings


def _dataset(name: str | None) -> Dataset:
    dataset = Dataset.objects.filter(name=name).first()
    if dataset is None:
        raise refusal(f"There is no dataset {name!r}.")
    return dataset


def _fresh_name(real: Dataset) -> str:
    """The dataset's name and the first number that is free."""
    number = 1
    while names_taken(f"{real.name[:60]} utility {number}", chain=True):
        number += 1
    return f"{real.name[:60]} utility {number}"


def _resumed(name: str) -> UtilityExperiment:
    experiment = UtilityExperiment.objects.filter(name=name).first()
    if experiment is None:
        raise refusal(f"There is no experiment {name!r}.")
    UtilityExperiment.objects.requeue_stale()
    if (
        not experiment.resume(enqueue=False)
        and not UtilityExperiment.objects.waiting().filter(pk=experiment.pk).exists()
    ):
        raise CommandError(f"The experiment {name!r} is {experiment.state}; there is nothing to resume.")
    experiment.refresh_from_db()
    return experiment
