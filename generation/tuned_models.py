"""The names of what fine-tunings leave for the pipeline engine, and which checkpoint stands behind a name."""

from __future__ import annotations

from typing import cast

from django.utils.text import slugify

from generation import pipelines
from generation.models import Checkpoint, TrainingRun


def name_of(run: TrainingRun, step: int | None = None) -> str:
    """Of its LoRA or pipeline; with a step, of the LoRA as it was then."""
    short = slugify(run.name)
    return short if step is None else f"{short}@{step}"


def is_taken(name: str) -> bool:
    """Whether a run, a LoRA or a pipeline has this name already."""
    short = slugify(name)
    named = TrainingRun.objects.filter(name=name).exists()
    return named or not short or short in pipelines.names() or short in pipelines.lora_names()


def checkpoint_behind(model: str, lora: str = "") -> Checkpoint | None:
    """The checkpoint of a fine-tuning that a pipeline of this name, or this LoRA, came from; None for others."""
    short, _, step = (lora or model).partition("@")
    runs = cast("list[TrainingRun]", list(TrainingRun.objects.filter(config__has_key="pipeline")))
    for run in runs:
        if name_of(run) == short:
            return run.checkpoints.filter(step=int(step)).first() if step.isdigit() else run.chosen_checkpoint
    return None
