"""A checkpoint of a run with an average chosen after training: put together, sampled, measured and stored like the others."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings

from generation.declared_extractors import specs
from generation.diffusion.errors import CheckpointError
from generation.diffusion.progress import silent
from generation.metrics.checkpoint_evaluator import Watch
from generation.training.models import Checkpoint, TrainingRun
from generation.training.runner import prepared_images, store_checkpoint
from pool.splits import training_images

if TYPE_CHECKING:
    from generation.diffusion.power_averages import Reconstruction
    from generation.diffusion.trainer import Trainer


def averaged_checkpoint(run: TrainingRun, length: float) -> Checkpoint:
    """The run's last checkpoint with the weights averaged over this length, by Karras et al. 2024; sampled and measured here.

    `length` is σ_rel. One that is there already is returned as it is. Raises CheckpointError, ConfigError.
    """
    from generation.diffusion.power_averages import reconstruct

    newest = run.checkpoints.in_training().last()
    if newest is None or run.is_finetuning:
        raise CheckpointError(f"{run} left no checkpoint of a network of our own to average.")
    existing = run.checkpoints.filter(step=newest.step, ema_length=length).first()
    if existing is not None:
        return existing
    average = reconstruct(run.folder, length, newest.step)
    return _measured(run, newest, _learner(run, newest, average), length, average)


def _learner(run: TrainingRun, newest: Checkpoint, average: Reconstruction) -> Trainer:
    """The run's learner as it was at its end, but for the weights that it averaged."""
    from generation.diffusion import checkpoint
    from generation.diffusion.distributed_group import DistributedGroup
    from generation.diffusion.run import text_states
    from generation.diffusion.trainer import Trainer

    config = replace(run.parsed_config, compile=False, post_hoc_ema=False)
    images = prepared_images(run, config, list(training_images(run.dataset)), pulse=lambda: None)
    group = DistributedGroup()
    source = newest.source()
    description = checkpoint.Description.from_json(source.description)
    net = checkpoint.network(description, source.read_weights(), group.device)
    text = text_states(config, images, run.folder, group.device, group=group, tell=silent)
    learner = Trainer(config, images, space=net.space, group=group, text=text)
    learner.averaged.load_state_dict({**net.state_dict(), **average.weights})
    learner.step = newest.step
    return learner


def _measured(
    run: TrainingRun, newest: Checkpoint, learner: Trainer, length: float, average: Reconstruction
) -> Checkpoint:
    """Against the images, and by the seeds, of the run's other checkpoints."""
    from generation.diffusion import checkpoint
    from generation.diffusion.run import CheckpointManager

    facts = newest.description.get("facts", {}).copy()
    facts.update(ema_length=length, ema_error=average.error)
    facts.pop("metrics", None)
    description = checkpoint.Description(run.parsed_config, newest.step, facts)
    weights = {**learner.averaged.state_dict(), **learner.space.weights()}
    folder = learner.last_checkpoint = checkpoint.write(run.folder / f"ema-{length:g}", description, weights)
    names = run.parsed_config.extractors
    further = tuple(specs(names)) if names else ()
    watch = Watch(run.folder / "watch", run.facts["samples_measured"], settings.EXTRACTOR, further)
    try:
        CheckpointManager(learner, run.folder, watch).finish(folder)
        return store_checkpoint(run, folder, f"{run.name}@{newest.step}-ema{length:g}", ema_length=length)
    finally:
        shutil.rmtree(folder)
