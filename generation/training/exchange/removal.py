"""Checkpoints that nobody needs any more: their weights go, unless images or jobs rest on them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit import record
from generation.diffusion.errors import CheckpointError
from generation.training.models import Checkpoint, TrainingRun

FILES = ("weights", "samples", "grid", "neighbours")


def remove(checkpoint: Checkpoint) -> None:
    """Delete its row and files. Raises CheckpointError where images or models rest on it: these must stay traceable."""
    jobs: Any = checkpoint.jobs
    if jobs.exists():
        raise CheckpointError(f"{checkpoint} made images of this site, which name it; it stays.")
    run = checkpoint.warm_started_runs.first()
    if run is not None:
        raise CheckpointError(f"{run} started with the weights of {checkpoint}, which stays.")
    files = [getattr(checkpoint, name) for name in FILES]
    checkpoint.delete()
    for file in files:
        if file:
            file.delete(save=False)


def remove_for(checkpoint: Checkpoint, *, by: Any, reason: str) -> None:
    """The same by a person, whose reason the log keeps. Raises CheckpointError."""
    if checkpoint.run is not None and checkpoint.run.is_unfinished:
        raise CheckpointError(f"{checkpoint.run} is not at its end; let it end first.")
    with transaction.atomic():
        record(
            checkpoint, by, "removed a model", reason=reason, name=checkpoint.name, sha256=checkpoint.sha256
        )
        remove(checkpoint)


def prune(run: TrainingRun, *, keep: int) -> list[str]:
    """Remove all but the newest `keep`, the chosen one, the named, and those that images or models rest on; the names of those removed."""
    spared = {row.pk for row in run.checkpoints.in_training().reverse()[:keep]}
    if run.chosen_checkpoint is not None:
        spared.add(run.chosen_checkpoint.pk)
    removed = []
    unused = run.checkpoints.exclude(pk__in=spared).filter(jobs=None, warm_started_runs=None)
    for checkpoint in unused.order_by("step"):
        if not checkpoint.is_named:
            remove(checkpoint)
            removed.append(checkpoint.name)
    return removed
