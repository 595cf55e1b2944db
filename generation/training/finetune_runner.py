"""A fine-tuning at work: a training run whose config names a pipeline, and whose result is there for the pipeline engine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from generation.diffusion.config import ConfigError
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.finetuning.publishing import publish_lora, publish_pipeline
from generation.training import pipeline_folder
from generation.training.models import TrainingRun
from generation.training.runner import failing_in_words, images_of, learn, train_for
from generation.training.tuned_models import name_of


def train_or_finetune(run: TrainingRun) -> None:
    """From nothing, or on from a pipeline."""
    (finetune_for if run.is_finetuning else train_for)(run)


def finetune_for(run: TrainingRun) -> None:
    """Fine-tune as the run's config says, going on from its last checkpoint. Raises JobFailedError."""
    with failing_in_words():
        config = FineTuneConfig.from_mapping(run.config)
        base = _pipeline_folder(config)
        images = images_of(run, config)
        on_checkpoint_folder = partial(_publish_as_it_was, run) if config.rank else None
        learn(run, config, images, pipeline=base, on_checkpoint_folder=on_checkpoint_folder)
        path = _publish(run, base, lora=bool(config.rank))
    kind = "LoRA" if config.rank else "pipeline"
    run.beat(message=f"The {kind} “{path.stem}” is ready for jobs of the pipeline engine")


def _publish_as_it_was(run: TrainingRun, step: int, folder: Path) -> None:
    """Each kept LoRA can be used at once, under its step."""
    publish_lora(folder / "model.safetensors", pipeline_folder.lora_folder(), name_of(run, step))


def _publish(run: TrainingRun, base: Path, *, lora: bool) -> Path:
    """The result under the run's own name: the best checkpoint where one is to be kept as such, else the last."""
    chosen = run.chosen_checkpoint
    if chosen is None:
        raise ConfigError("The fine-tuning left no checkpoint.")
    weights = run.folder / f"step-{chosen.step:08d}" / "model.safetensors"
    if lora:
        return publish_lora(weights, pipeline_folder.lora_folder(), name_of(run))
    return publish_pipeline(weights, base, pipeline_folder.folder(), name_of(run))


def _pipeline_folder(config: FineTuneConfig) -> Path:
    if config.pipeline not in pipeline_folder.names():
        raise ConfigError(f"There is no pipeline {config.pipeline!r} in {pipeline_folder.folder()}.")
    return pipeline_folder.folder() / config.pipeline
