"""A fine-tuning at work, as a training run whose config names a pipeline: the pool's pictures and labels go in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from django.utils.text import slugify

from generation import pipelines
from generation.filling import Pulse
from generation.models import TrainingRun
from generation.training.config import ConfigError
from pool.jobs import JobFailed
from pool.models import Dataset, Image
from pool.pixels import decode_png, fitted_square
from pool.splits import training_images

if TYPE_CHECKING:
    from generation.training.finetuning import FineTuneConfig, Lesson

TELL_EVERY = 1.0


def finetune_for(run: TrainingRun) -> None:
    """Fine-tune as the run's config says, going on from its last checkpoint. Raises JobFailed."""
    from generation.training.errors import CheckpointError
    from generation.training.finetuning import FineTuneConfig, FineTuner, finetune, load_pipeline, publish

    try:
        config = FineTuneConfig.from_mapping(run.config)
        run.beat(message="Reading the images…")
        run.images.add(*training_images(run.dataset))
        lesson = lesson_of(run.dataset, config, pulse=Pulse(run))
        pipe = load_pipeline(_pipeline_folder(config))
        run.beat(message="Encoding the images…")
        tuner, told = FineTuner(config, pipe, lesson, pulse=Pulse(run)), 0.0
        for progress in finetune(tuner, run.folder):
            if progress.step == config.steps or time.monotonic() - told >= TELL_EVERY:
                told = time.monotonic()
                _tell(run, progress)
        made = publish(
            *(tuner, pipe, slugify(run.name)), loras=pipelines.lora_folder(), pipelines=pipelines.folder()
        )
    except (ConfigError, CheckpointError) as error:
        raise JobFailed(str(error)) from error
    except OSError as error:
        raise JobFailed(f"A checkpoint could not be stored ({error.strerror or error}).") from error
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise JobFailed(
            "Fine-tuning needs more memory than there is; choose a smaller batch or size."
        ) from error
    kind = "LoRA" if config.rank else "pipeline"
    run.beat(message=f"The {kind} “{made.stem}” is ready for jobs of the pipeline engine")


def _tell(run: TrainingRun, progress: Any) -> None:
    from generation.runs import thinned

    run.beat(done=progress.step, message=f"Step {progress.step:,} of {run.total:,}, loss {progress.loss:.4f}")
    run.curve = thinned([*run.curve, [progress.step, round(progress.loss, 5)]])
    run.images_per_second = progress.images_per_second
    run.save(update_fields=["curve", "images_per_second"])


def _pipeline_folder(config: FineTuneConfig) -> Any:
    if config.pipeline not in pipelines.names():
        raise ConfigError(f"There is no pipeline {config.pipeline!r} in {pipelines.folder()}.")
    return pipelines.folder() / config.pipeline


def lesson_of(dataset: Dataset, config: FineTuneConfig, *, pulse: Pulse) -> Lesson:
    """The dataset's training images as the network wants them, each with its prompt. Raises ConfigError."""
    from generation.training.finetuning import Lesson

    pixels, prompts = [], []
    for image in training_images(dataset):
        pulse()
        with image.file.open("rb") as file:
            pixels.append(fitted_square(decode_png(file.read()), side=config.size, colour=True))
        prompts.append(prompt_of(image, config.prompt))
    if not pixels:
        raise ConfigError(f"{dataset} has no images to train on.")
    return Lesson(np.stack(pixels), prompts)


def prompt_of(image: Image, template: str) -> str:
    """The template with this image's finding and modality in it."""
    said = template.replace("{modality}", image.get_modality_display())
    return said.replace("{finding}", image.label).strip(" ,")


def is_taken(name: str) -> bool:
    """Whether a run, a LoRA or a pipeline has this name already."""
    short = slugify(name)
    named = TrainingRun.objects.filter(name=name).exists()
    return named or not short or short in pipelines.names() or short in pipelines.lora_names()
