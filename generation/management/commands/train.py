"""`lungrater train …`: train a diffusion model on a dataset, here and now, with the same rows as the site."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.diffusion.config import PRESETS, ConfigError, TrainingConfig, settings_from, settings_in
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.models import Checkpoint, TrainingRun
from generation.training import pipeline_folder
from generation.training.dataset_traits import channels_of, classes_of
from generation.training.fidelity_figure import table
from generation.training.tuned_models import is_taken
from jobs.run_inline import perform_with_bar
from pool.models import Dataset

BAD_ARGUMENT = 2
NUMBERS = ("size", "steps", "batch", "seed")


class Command(BaseCommand):
    """Trains while the command runs and names the checkpoints it left."""

    help = "Train a diffusion model on the images of a dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dataset", metavar="NAME", help="the images to learn from")
        parser.add_argument("--name", help="of the model (default: that of the dataset)")
        parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file of settings")
        parser.add_argument("--preset", choices=PRESETS, help="settings to start from (default: tiny)")
        parser.add_argument(
            "--set",
            action="extend",
            nargs="+",
            default=[],
            metavar="KEY=VALUE",
            help="any setting, such as objective=v_prediction (see docs/training.md)",
        )
        parser.add_argument("--by-finding", action="store_true", help="learn to make each finding on demand")
        parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
        parser.add_argument(
            "--pipeline", metavar="NAME", help="fine-tune this one of the home's models/pipelines"
        )
        parser.add_argument("--lora", type=int, metavar="RANK", help="0: the whole network; default 8")
        parser.add_argument(
            "--prompt", metavar="TEMPLATE", help="of a fine-tuning, with {finding}, {modality}"
        )
        _numbers(parser)
        parser.add_argument(
            "--curves", metavar="RUN", help="train nothing; print a run's loss, FID and KID by step as CSV"
        )
        parser.add_argument(
            "--config-of", metavar="RUN", help="train nothing; print a run's settings as TOML"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["curves"] or options["config_of"]:
            run = _run_named(options["curves"] or options["config_of"])
            self.stdout.write(table(run) if options["curves"] else run.config_as_toml(), ending="")
            return
        run = _resumed(options["resume"]) if options["resume"] else _new(options)
        perform_with_bar(run, unit="step")
        names = list(run.checkpoints.order_by("step").values_list("name", flat=True))
        report = {
            "run": run.pk,
            "name": run.name,
            "state": run.state,
            "steps": run.done,
            "checkpoints": names,
        }
        words = f"{run.name}: {run.done} steps, checkpoints {', '.join(names) or 'none'}."
        self.stdout.write(json.dumps(report) if options["json"] else words)
        if run.state != TrainingRun.State.SUCCEEDED:
            raise CommandError(run.error or f"The run was {run.state}.")


def _numbers(parser: ArgumentParser) -> None:
    for name in NUMBERS:
        parser.add_argument(f"--{name}", type=int, help="instead of the preset's")


def _new(options: dict[str, Any]) -> TrainingRun:
    dataset = Dataset.objects.filter(name=options["dataset"]).first()
    if dataset is None:
        raise CommandError(f"There is no dataset {options['dataset']!r}.", returncode=BAD_ARGUMENT)
    name = options["name"] or dataset.name
    if TrainingRun.objects.filter(name=name).exists() or Checkpoint.objects.filter(name=name).exists():
        raise CommandError(
            f"There is a model {name!r}; choose a --name, or --resume it.", returncode=BAD_ARGUMENT
        )
    if options["pipeline"]:
        return _finetuning(options, dataset, name)
    try:
        config = _config(options, dataset)
    except ConfigError as error:
        raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
    return TrainingRun.objects.create(name=name, dataset=dataset, config=config.as_json(), total=config.steps)


def _finetuning(options: dict[str, Any], dataset: Dataset, name: str) -> TrainingRun:
    if options["pipeline"] not in pipeline_folder.names():
        available = ", ".join(pipeline_folder.names()) or "none yet"
        message = f"There is no pipeline {options['pipeline']!r} in {pipeline_folder.folder()}; there are: {available}."
        raise CommandError(message, returncode=BAD_ARGUMENT)
    if is_taken(name):
        raise CommandError(f"There is a model {name!r}; choose another --name.", returncode=BAD_ARGUMENT)
    settings = {key: options[key] for key in (*NUMBERS, "prompt", "pipeline") if options[key] is not None}
    if options["lora"] is not None:
        settings["rank"] = options["lora"]
    start = {"channels": channels_of(dataset)}
    try:
        file = settings_in(options["config"]) if options["config"] else {}
        config = FineTuneConfig.from_mapping({**start, **file, **settings_from(options["set"]), **settings})
    except ConfigError as error:
        raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
    return TrainingRun.objects.create(name=name, dataset=dataset, config=config.as_json(), total=config.steps)


def _config(options: dict[str, Any], dataset: Dataset) -> TrainingConfig:
    """The preset's settings, with the file's, then --set's, then those with an option of their own on top."""
    settings = {name: options[name] for name in NUMBERS if options[name] is not None}
    if options["by_finding"]:
        settings["classes"] = [vars(kind) for kind in classes_of(dataset)]
    start: dict[str, Any] = {"channels": channels_of(dataset)}
    if options["preset"] or options["config"] is None:
        start["preset"] = options["preset"] or "tiny"
    file = settings_in(options["config"]) if options["config"] else {}
    return TrainingConfig.from_mapping({**start, **file, **settings_from(options["set"]), **settings})


def _run_named(name: str) -> TrainingRun:
    # The cast: the manager is inherited from the abstract Job, and typed so.
    run = cast("TrainingRun | None", TrainingRun.objects.filter(name=name).first())
    if run is None:
        raise CommandError(f"There is no run {name!r}.", returncode=BAD_ARGUMENT)
    return run


def _resumed(name: str) -> TrainingRun:
    run = _run_named(name)
    TrainingRun.objects.requeue_stale()
    if not run.queue_again(ring=False) and not TrainingRun.objects.waiting().filter(pk=run.pk).exists():
        raise CommandError(f"The run {name!r} is {run.state}; there is nothing to resume.")
    run.refresh_from_db()
    return run
