"""`lungrater models …`: the models there are; export one as a diffusers pipeline, import one, rename, remove, prune, average."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.membership.owner_option import add_owner_option, owner_of
from audit import record
from generation.diffusion.errors import CheckpointError
from generation.diffusion.run_config import ConfigError
from generation.metrics.checkpoint_metrics import distance_titles
from generation.models import Checkpoint, TrainingRun
from generation.training.averaging import averaged_checkpoint
from generation.training.bundled_checkpoints import register_shipped
from generation.training.exchange import pipeline_export, pipeline_import, removal
from generation.training.forms import NameForm
from generation.training.run_history import best_in_words
from jobs.command_line.form_command import fill, refusal
from jobs.command_line.options import Options


class Command(BaseCommand):
    """What it does to models, one word each."""

    help = "List, export, import, rename, remove, prune and average trained models."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="every checkpoint")
        export = acts.add_parser("export", help="as a diffusers pipeline folder, or a zip of one")
        export.add_argument("name", help="of a checkpoint, or of a run for its last one")
        export.add_argument("target", type=Path, help="a new folder, or FILE.zip")
        export.add_argument("--sampler", default="", help="that the folder's scheduler is")
        take_in = acts.add_parser(
            "import", help="a folder or zip that LungRater exported, or a plain pipeline of diffusers"
        )
        take_in.add_argument("source", type=Path)
        take_in.add_argument("--name", required=True)
        add_owner_option(take_in)
        acts.add_parser("remove", help="a checkpoint that made no images").add_argument("name")
        rename = acts.add_parser("rename", help="a checkpoint, which pruning then spares")
        rename.add_argument("name", help="of a checkpoint")
        rename.add_argument("new_name")
        prune = acts.add_parser("prune", help="all but a run's newest, its best, and those that made images")
        prune.add_argument("name", help="of the run")
        prune.add_argument("--keep", type=int, default=1, metavar="N")
        average = acts.add_parser("average", help="a run's last checkpoint with an average of another length")
        average.add_argument("name", help="of a run that was trained with post_hoc_ema = true")
        average.add_argument(
            "--ema",
            type=float,
            required=True,
            metavar="LENGTH",
            help="σ_rel, such as 0.08; from 0.01 to 0.25",
        )
        for part in acts.choices.values():
            part.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        act: Callable[[Options], tuple[str, object]] = getattr(self, f"_{options['act']}")
        try:
            words, report = act(options)
        except (CheckpointError, ConfigError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(report) if options["json"] else words)

    def _list(self, options: Options) -> tuple[str, object]:
        register_shipped()
        rows = [
            {
                "name": row.name,
                "step": row.step,
                "sha256": row.sha256,
                "run": row.run.name if row.run else None,
            }
            for row in Checkpoint.objects.select_related("run")
        ]
        return "\n".join(f"{row['name']}  step {row['step']:,}" for row in rows), rows

    def _export(self, options: Options) -> tuple[str, object]:
        target: Path = options["target"]
        if target.exists():
            raise refusal(f"{target} is there already; name a new folder or file.")
        checkpoint = _checkpoint(options["name"])
        with pipeline_export.exported_files(checkpoint, sampler=options["sampler"]) as files:
            if target.suffix == ".zip":
                with target.open("wb") as out:
                    pipeline_export.write_zip(files, out, name=target.stem)
            else:
                pipeline_export.write_folder(files, target)
        words = (
            f"{checkpoint}: {len(files)} files in {target}; diffusers loads it with trust_remote_code=True."
        )
        return words, {"model": checkpoint.name, "target": str(target), "files": sorted(files)}

    def _import(self, options: Options) -> tuple[str, object]:
        owner = owner_of(options)
        with transaction.atomic():
            checkpoint = pipeline_import.import_model(options["source"], options["name"])
            checkpoint.give_to_maker(owner)
            record(checkpoint, owner, "imported a model", sha256=checkpoint.sha256)
        return f"{checkpoint}: step {checkpoint.step:,}.", {"model": checkpoint.name, "step": checkpoint.step}

    def _remove(self, options: Options) -> tuple[str, object]:
        removal.remove(_existing(options["name"]))
        return f"{options['name']} is removed.", {"removed": [options["name"]]}

    def _rename(self, options: Options) -> tuple[str, object]:
        checkpoint = _existing(options["name"])
        form = fill(NameForm, {"name": options["new_name"]}, title="A name", options={"name": "new-name"})
        form.rename(checkpoint, by=None)
        return f"{options['name']} is now {checkpoint}.", {"model": checkpoint.name}

    def _average(self, options: Options) -> tuple[str, object]:
        checkpoint = averaged_checkpoint(_ended_run(options["name"]), options["ema"])
        distances = checkpoint.measured.distances
        report = {
            "model": checkpoint.name,
            "ema_length": checkpoint.ema_length,
            "ema_error": checkpoint.description.get("facts", {}).get("ema_error"),
            "metrics": checkpoint.metrics,
        }
        title = distance_titles(checkpoint.measured.extractor)[0]
        return f"{checkpoint}: {title} {distances.in_words('fid', 2)}.", report

    def _prune(self, options: Options) -> tuple[str, object]:
        run = _ended_run(options["name"])
        names = removal.prune(run, keep=max(1, options["keep"]))
        report = {"removed": names, "best": str(run.chosen_checkpoint or ""), "best_by": run.chosen_by}
        return f"Removed: {', '.join(names) or 'none'}. {best_in_words(run)}".strip(), report


def _ended_run(name: str) -> TrainingRun:
    run = TrainingRun.objects.filter(name=name).first()
    if run is None:
        raise refusal(f"There is no run {name!r}.")
    if run.is_unfinished:
        raise refusal(f"{run.name} is not at its end; let it end first.")
    return run


def _checkpoint(name: str) -> Checkpoint:
    register_shipped()
    checkpoint = Checkpoint.objects.newest_by_name(name)
    if checkpoint is None:
        raise refusal(f"There is no model {name!r}.")
    return checkpoint


def _existing(name: str) -> Checkpoint:
    checkpoint = Checkpoint.objects.filter(name=name).first()
    if checkpoint is None:
        raise refusal(f"There is no checkpoint {name!r}.")
    return checkpoint
