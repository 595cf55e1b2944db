"""`lungrater utility …`: what the fakes are good for, found out here and now, with the same rows as the site."""

from __future__ import annotations

import json
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.diffusion.config import PRESETS as GENERATORS
from generation.diffusion.config import ConfigError
from generation.models import UtilityExperiment
from generation.utility.config import PRESETS, UtilityConfig, UtilityConfigError
from generation.utility.models import MOST_PER_CLASS
from generation.utility.pipeline import colour_of, generator_config, names_taken, new_experiment
from generation.utility.report import in_words
from jobs.run_inline import perform_with_bar
from pool.models import Dataset, Origin

BAD_ARGUMENT = 2
NUMBERS = ("seeds", "size", "steps", "batch", "seed")


class Command(BaseCommand):
    """Trains the classifiers in this process and prints the gap."""

    help = "Train classifiers on synthetic, real and both kinds of images and test them on unseen real ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--real", metavar="NAME", help="labelled real images, some of them for testing")
        parser.add_argument(
            "--synthetic", metavar="NAME", action="append", default=[], help="may be given several times"
        )
        parser.add_argument("--name", help="of the experiment (default: made from the datasets)")
        parser.add_argument("--preset", choices=PRESETS, default="tiny")
        parser.add_argument("--architectures", metavar="A,B", help="instead of the preset's")
        parser.add_argument("--ratios", metavar="R,R", help="synthetic images for each real one, mixed arms")
        parser.add_argument("--shares", metavar="S,S", help="parts of the synthetic images, learning curve")
        parser.add_argument("--labels", metavar="L,L", help="the findings to tell apart (default: all)")
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
        experiment = _resumed(options["resume"]) if options["resume"] else _new(options)
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
            self.stdout.write("\n".join(_lines(experiment)))
        if experiment.state != UtilityExperiment.State.SUCCEEDED:
            raise CommandError(experiment.error or f"The experiment was {experiment.state}.")


def _see_the_stages_through(experiment: UtilityExperiment) -> None:
    """Train the model and make its images first, where they are not there yet."""
    while not experiment.advance(ring=False):
        experiment.refresh_from_db()
        name, stage = experiment.stages[-1]
        if not stage.is_active:
            raise CommandError(experiment.error)
        perform_with_bar(stage, unit="step" if name == "Model" else "image")
        if stage.state == stage.State.RUNNING:
            raise CommandError(
                f"A worker is at {stage}; ask again with --resume “{experiment}” when it is done."
            )


def _lines(experiment: UtilityExperiment) -> list[str]:
    report = experiment.report
    gap = report["headline"][report["headline"]["score"]]
    lines = [
        f"Balanced accuracy on {report['test_images']:,} unseen real images of {report['test_patients']:,} patients:",
        f"  trained on synthetic {in_words(gap['synthetic'])}, on real {in_words(gap['real'])}",
        f"  gap {in_words(gap['mean'])}",
    ]
    for arm in report["arms"]:
        scores = arm["scores"]
        lines.append(
            f"  {arm['arm']}, {arm['architecture']} ({arm['real']} real, {arm['synthetic']} synthetic): "
            f"accuracy {in_words(scores['accuracy'])}, AUC {in_words(scores['auc'])}"
        )
    return lines


def _new(options: dict[str, Any]) -> UtilityExperiment:
    real = _dataset(options["real"], Origin.REAL, "--real")
    synthetic = [_dataset(name, Origin.SYNTHETIC, "--synthetic") for name in options["synthetic"]]
    chain = options["train"] is not None
    if not synthetic and not chain:
        raise CommandError("Name a --synthetic dataset, or --train a model.", returncode=BAD_ARGUMENT)
    if chain and not 1 <= (options["per_class"] or 0) <= MOST_PER_CLASS:
        raise CommandError(f"--per-class is from 1 to {MOST_PER_CLASS:,}.", returncode=BAD_ARGUMENT)
    name = options["name"] or _fresh_name(real)
    if conflict := names_taken(name, chain=chain):
        raise CommandError(conflict, returncode=BAD_ARGUMENT)
    try:
        config = _config(options, real)
        generator = generator_config(real, options["train"], seed=config.seed) if chain else None
    except (UtilityConfigError, ConfigError, ValueError) as error:
        raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
    per_class = options["per_class"] if chain else None
    return new_experiment(name, real, synthetic, config, generator=generator, per_class=per_class)


def _config(options: dict[str, Any], real: Dataset) -> UtilityConfig:
    settings: dict[str, Any] = {name: options[name] for name in NUMBERS if options[name] is not None}
    for name in ("architectures", "labels"):
        if options[name]:
            settings[name] = [part.strip() for part in options[name].split(",")]
    for name in ("ratios", "shares"):
        if options[name] is not None:
            settings[name] = [float(part) for part in options[name].split(",") if part.strip()]
    if options["weights"]:
        settings["weights"] = dict(pair.split("=", 1) for pair in options["weights"])
    settings["without_copies"] = options["without_copies"]
    return UtilityConfig.from_mapping(colour_of(real, {"preset": options["preset"], **settings}))


def _dataset(name: str | None, origin: str, option: str) -> Dataset:
    dataset = Dataset.objects.filter(name=name).first()
    if dataset is None:
        raise CommandError(f"There is no dataset {name!r} ({option}).", returncode=BAD_ARGUMENT)
    if dataset.origin != origin:
        raise CommandError(
            f"{option} wants {origin} images; {name!r} holds {dataset.origin} ones.", returncode=BAD_ARGUMENT
        )
    return dataset


def _fresh_name(real: Dataset) -> str:
    """The dataset's name and the first number that is free."""
    number = 1
    while names_taken(f"{real.name[:60]} utility {number}", chain=True):
        number += 1
    return f"{real.name[:60]} utility {number}"


def _resumed(name: str) -> UtilityExperiment:
    # The cast: the manager is inherited from the abstract Job, and typed so.
    experiment = cast("UtilityExperiment | None", UtilityExperiment.objects.filter(name=name).first())
    if experiment is None:
        raise CommandError(f"There is no experiment {name!r}.", returncode=BAD_ARGUMENT)
    UtilityExperiment.objects.requeue_stale()
    if (
        not experiment.queue_again(ring=False)
        and not UtilityExperiment.objects.waiting().filter(pk=experiment.pk).exists()
    ):
        raise CommandError(f"The experiment {name!r} is {experiment.state}; there is nothing to resume.")
    experiment.refresh_from_db()
    return experiment
