"""The names of what fine-tunings leave for the pipeline engine, and which checkpoint stands behind a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from django.utils.text import slugify

from generation.training import pipeline_folder
from generation.training.models import Checkpoint, TrainingRun


def name_of(run: TrainingRun, step: int | None = None) -> str:
    """Of its LoRA or pipeline; with a step, of the LoRA as it was then."""
    short = slugify(run.name)
    return short if step is None else f"{short}@{step}"


def is_taken(name: str) -> bool:
    """Whether a run, a LoRA or a pipeline has this name already."""
    short = slugify(name)
    names = TrainingRun.objects.values_list("name", flat=True)
    exists = any(name == other or short == slugify(other) for other in names)
    return exists or not short or short in pipeline_folder.names() or short in pipeline_folder.lora_names()


def run_behind(name: str) -> TrainingRun | None:
    """The fine-tuning that left the LoRA or the pipeline of this name; None for others."""
    short = name.partition("@")[0]
    runs = cast("list[TrainingRun]", list(TrainingRun.objects.filter(config__has_key="pipeline")))
    return next((run for run in runs if name_of(run) == short), None)


def runs_behind(names: Iterable[str]) -> set[TrainingRun]:
    """The fine-tunings that left these, and those that left the pipelines they started from."""
    runs, queue = set[TrainingRun](), set(names)
    while queue:
        new = {run for run in map(run_behind, queue) if run is not None} - runs
        runs |= new
        queue = {str(run.config["pipeline"]) for run in new}
    return runs


def checkpoint_behind(model: str, lora: str = "") -> Checkpoint | None:
    """The checkpoint of the fine-tuning that left this LoRA, else of the one that left this pipeline."""
    return next(filter(None, map(_checkpoint, filter(None, (lora, model)))), None)


def _checkpoint(name: str) -> Checkpoint | None:
    run, step = run_behind(name), name.partition("@")[2]
    if run is None:
        return None
    return run.chosen_checkpoint if not step.isdigit() else run.checkpoints.filter(step=int(step)).first()
