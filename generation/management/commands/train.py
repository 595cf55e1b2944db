"""`lungrater train …`: train a diffusion model on a dataset, here and now, with the same rows as the site."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.diffusion.config import PRESETS, ConfigError, settings_from
from generation.diffusion.run_config import toml_of
from generation.models import Checkpoint, TrainingRun
from generation.training.bundled_checkpoints import register_shipped
from generation.training.fidelity_figure import table
from generation.training.forms import FineTuneForm, LongerForm, TrainingForm, WithConfigFile
from jobs.command_line.form_command import fill, refusal, upload
from jobs.command_line.options import Options
from jobs.command_line.run_inline import perform_with_bar
from pool.models import Dataset

NUMBERS = ("size", "steps", "batch", "seed")
AS_ON_THE_PAGE = (
    *("preset", "by_finding", "pipeline", "prompt", "attributes", "extractors"),
    *("text", "text_encoder", "text_dropout", "text_tokens"),
)
# What makes a new run; one that is gone on with has its settings already.
OF_A_NEW_RUN = (
    *(
        "dataset",
        "name",
        "config",
        "preset",
        "set",
        "by_finding",
        "pipeline",
        "lora",
        "prompt",
        "from",
        "attributes",
        "attribute_table",
        "text",
        "text_encoder",
        "text_dropout",
        "text_tokens",
        "extractors",
    ),
    *NUMBERS,
)


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
        parser.add_argument("--from", metavar="MODEL", help="start with the weights of a model or MODEL@STEP")
        parser.add_argument(
            "--attributes", metavar="NAMES", help="told of each image: “sex, view, age:number”"
        )
        parser.add_argument(
            "--attribute-table", type=Path, metavar="CSV", help="columns file and the attributes"
        )
        _text(parser)
        parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
        parser.add_argument(
            "--more-steps",
            type=int,
            metavar="N",
            help="with --resume: let a run at its end go on for so many",
        )
        parser.add_argument(
            "--pipeline", metavar="NAME", help="fine-tune this one of the home's models/pipelines"
        )
        parser.add_argument("--lora", type=int, metavar="RANK", help="0: the whole network; default 8")
        parser.add_argument(
            "--prompt", metavar="TEMPLATE", help="of a fine-tuning, with {finding}, {modality}"
        )
        _numbers(parser)
        parser.add_argument(
            "--extractors",
            nargs="+",
            default=[],
            metavar="NAME",
            help="measure each checkpoint by these recipes of the home's models/extractors too, by file name without .toml",
        )
        parser.add_argument(
            "--curves", metavar="RUN", help="train nothing; print a run's loss and distances by step as CSV"
        )
        parser.add_argument(
            "--config-of", metavar="RUN", help="train nothing; print a run's settings as TOML"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def _new(self, options: Options) -> TrainingRun:
        """The run, after a word about how long it takes."""
        form = _form(options)
        self.stderr.write(form.estimate().sentence)
        run = form.submit(None, enqueue=False)
        for line in run.conditions:
            self.stderr.write(f"Told of each image: {line}.")
        return run

    def handle(self, *args: Any, **options: Any) -> None:
        if options["curves"] or options["config_of"]:
            run = _run_named(options["curves"] or options["config_of"])
            self.stdout.write(table(run) if options["curves"] else run.config_as_toml(), ending="")
            return
        if options["more_steps"] is not None and not options["resume"]:
            raise refusal("--more-steps goes with --resume RUN.")
        run = _resumed(options) if options["resume"] else self._new(options)
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


def _text(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--text",
        metavar="TEMPLATE",
        help="told of each image in words: “{caption}”, “{finding}, {view} view”",
    )
    parser.add_argument(
        "--text-encoder", metavar="NAME", help="who reads it, of the home's models/text-encoders"
    )
    parser.add_argument(
        "--text-dropout", type=float, metavar="SHARE", help="how often it is hidden (default 0.1)"
    )
    parser.add_argument("--text-tokens", type=int, metavar="N", help="longer texts are cut (default 77)")


def _numbers(parser: ArgumentParser) -> None:
    for name in NUMBERS:
        parser.add_argument(f"--{name}", type=int, help="instead of the preset's")


def _form(options: Options) -> WithConfigFile:
    """The page's form, of a network of our own or of a fine-tuning, filled. Raises CommandError."""
    dataset = Dataset.objects.filter(name=options["dataset"]).first()
    if dataset is None:
        raise refusal(f"There is no dataset {options['dataset']!r}.")
    try:
        settings = toml_of(settings_from(options["set"]))
    except ConfigError as error:
        raise refusal(str(error)) from error
    values = {
        **{name: options[name] for name in (*NUMBERS, *AS_ON_THE_PAGE)},
        "name": options["name"] or dataset.name,
        "dataset": dataset.pk,
        "rank": options["lora"],
        "attribute_table": upload(options["attribute_table"]),
        "parent": _parent(options["from"]),
        "config_file": upload(options["config"]),
        "settings": settings,
    }
    names = {"parent": "from", "rank": "lora", "config_file": "config", "settings": "set"}
    if options["pipeline"]:
        return fill(FineTuneForm, values, title="A fine-tuning", options=names)
    return fill(TrainingForm, values, title="The training of a network of our own", options=names)


def _parent(name: str | None) -> int | None:
    """The number of the model to start from. Raises CommandError."""
    if name is None:
        return None
    register_shipped()
    checkpoint = Checkpoint.objects.that_sample().newest_by_name(name)
    if checkpoint is None:
        raise refusal(f"There is no model {name!r} to start from.")
    return checkpoint.pk


def _run_named(name: str) -> TrainingRun:
    run = TrainingRun.objects.filter(name=name).first()
    if run is None:
        raise refusal(f"There is no run {name!r}.")
    return run


def _resumed(options: Options) -> TrainingRun:
    """The run, queued again. Raises CommandError for any setting beside it: none would have an effect."""
    needless = [
        f"--{name.replace('_', '-')}" for name in OF_A_NEW_RUN if options[name] not in (None, "", False, [])
    ]
    if needless:
        raise refusal(
            f"--resume goes on with the run's own settings and takes no {' and no '.join(needless)}; leave it out, or "
            "train a new run."
        )
    name = options["resume"]
    run = _run_named(name)
    if options["more_steps"] is not None:
        return _longer(run, options)
    TrainingRun.objects.requeue_stale()
    if not run.resume(enqueue=False) and not TrainingRun.objects.waiting().filter(pk=run.pk).exists():
        raise CommandError(f"The run {name!r} is {run.state}; there is nothing to resume.")
    run.refresh_from_db()
    return run


def _longer(run: TrainingRun, options: Options) -> TrainingRun:
    """The run at its end, queued for more steps. Raises CommandError."""
    form = fill(LongerForm, {"more_steps": options["more_steps"]}, title="A longer training")
    if not form.train_longer(run, by=None, enqueue=False):
        raise CommandError(f"The run {run.name!r} is {run.state}; only one at its end can be trained longer.")
    run.refresh_from_db()
    return run
