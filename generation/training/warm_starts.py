"""What a run inherits that starts with the weights of a checkpoint, and what of it must stay as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from generation.diffusion.config import ConfigError
from generation.diffusion.exporting.arguments import condition_columns
from generation.training.models import Checkpoint, TrainingRun
from generation.training.run_facts import ParentFacts
from pool.models import Image
from pool.storage.stored_files import opened

# The weights fit no other network, and know no other task, space or noise.
OF_THE_WEIGHTS = (
    *(
        "channels",
        "unet_config",
        "scheduler_config",
        "network",
        "patch",
        "widths",
        "layers",
        "head_dim",
        "depth",
        "width",
        "heads",
        "latent",
        "latent_channels",
        "latent_widths",
    ),
    *("objective", "schedule", "zero_terminal_snr", "train_timesteps", "attributes", "text"),
)
PARENT = "parent"  # in a run's folder, the checkpoint to start with
# What its images are of, and its chance, are a new run's own.
NOT_INHERITED = {"classes", "attributes", "text", "window", "seed", "steps", "extractors", "keep_best"}


def inherited(parent: Checkpoint) -> dict[str, object]:
    """The parent's settings, for a new run to change where it may."""
    return {name: value for name, value in parent.config.as_json().items() if name not in NOT_INHERITED}


def check_like(parent: Checkpoint, config: Any) -> None:
    """Raises ConfigError where this config's network would not be the parent's."""
    for name in OF_THE_WEIGHTS:
        value = getattr(parent.config, name)
        if getattr(config, name) != value:
            raise ConfigError(f"What starts from {parent} has its {name}: {_plain(value)}.")
    if config.is_transformer and bool(condition_columns(config)) != bool(condition_columns(parent.config)):
        raise ConfigError(
            "A transformer that is told something cannot start from one that is told nothing, nor the other way round."
        )


def facts_of(run: TrainingRun) -> ParentFacts:
    """What a run writes down of its parent; nothing where it starts from nothing."""
    if run.parent is None:
        return {}
    return {"parent": run.parent.name, "parent_step": run.parent.step, "parent_sha256": run.parent.sha256}


def trained_on_before(run: TrainingRun) -> list[str]:
    """The names of the datasets that its ancestors learned from, nearest first, as far as anybody knows them."""
    names = [_trained_on(checkpoint) for checkpoint in run.ancestors]
    return [name for name in dict.fromkeys(names) if name and name != run.dataset.name]


def inherit_images(run: TrainingRun) -> None:
    """What its ancestors were shown has shaped its weights too: nothing of it may be in a test of what it makes."""
    if run.parent is not None and run.parent.run is not None:
        through = TrainingRun.images.through
        images = Image.objects.filter(training_runs=run.parent.run).values_list("pk", flat=True)
        rows = [through(trainingrun_id=run.pk, image_id=pk) for pk in images.iterator(chunk_size=2000)]
        through.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)


def written_parent(run: TrainingRun) -> Path | None:
    """The folder of the checkpoint that a new run starts with; None for others, and for a run that has begun."""
    if run.parent is None or any(run.folder.glob("step-*")) or any(run.folder.glob("resume-*")):
        return None
    folder = run.folder / PARENT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(run.parent.description))
    with (
        opened(run.parent.weights, f"the checkpoint {run.parent}") as weights,
        (folder / "model.safetensors").open("wb") as file,
    ):
        shutil.copyfileobj(weights, file)
    return folder


def _trained_on(checkpoint: Checkpoint) -> str:
    if checkpoint.run is not None:
        return checkpoint.run.dataset.name
    return str(checkpoint.description.get("facts", {}).get("trained_on", ""))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "none"
