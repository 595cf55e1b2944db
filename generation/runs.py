"""A training run at work: pictures out of the pool, the trainer, checkpoints back into the tables."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generation.filling import Pulse
from generation.models import Checkpoint, TrainingRun
from generation.quality.watch import GRID, NEIGHBOURS
from generation.training.config import ConfigError, PictureClass, TrainingConfig
from generation.training.errors import CheckpointError, TrainingFailedError, sentence_of
from generation.training.launch import train_apart
from generation.training.pictures import Pictures
from generation.training.progress import Progress
from generation.watching import watch_for
from pool.jobs import JobFailed
from pool.models import Dataset, Modality
from pool.pixels import Pixels, decode_png, fitted_square
from pool.splits import training_images

TELL_EVERY = 1.0
LONGEST_CURVE = 400


def train_for(run: TrainingRun) -> None:
    """Train as the run's config says, going on from its last checkpoint. Raises JobFailed."""
    try:
        config = run.parsed_config
        run.beat(message="Reading the images…")
        run.images.add(*training_images(run.dataset))
        pictures = pictures_of(run.dataset, config, pulse=Pulse(run))
        watch = watch_for(run, config, pictures, pulse=Pulse(run))
        teller = Teller(run)
        teller.adopt()
        train_apart(config, pictures, run.folder, on_progress=teller, on_checkpoint=watch)
        teller.adopt()
    except (ConfigError, CheckpointError, TrainingFailedError, OSError, MemoryError, RuntimeError) as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        raise JobFailed(sentence) from error


def classes_of(dataset: Dataset) -> tuple[PictureClass, ...]:
    """The findings a class-conditional model of this dataset can be asked for."""
    labels = training_images(dataset).order_by("label").values_list("label", flat=True).distinct()
    return tuple(PictureClass(dataset.modality, label) for label in labels)


def channels_of(dataset: Dataset) -> int:
    """How many channels a model of this dataset learns: three where colour is the finding."""
    return 3 if dataset.modality == Modality.MICROSCOPY else 1


def pictures_of(dataset: Dataset, config: TrainingConfig, *, pulse: Pulse) -> Pictures:
    """The dataset's training images, each its middle square at the config's size. Raises ConfigError."""
    pixels: list[NDArray[np.uint8]] = []
    classes: list[int] = []
    for image in training_images(dataset):
        pulse()
        if config.classes:
            classes.append(config.class_number(PictureClass(image.modality, image.label)))
        with image.file.open("rb") as file:
            pixels.append(fitted(decode_png(file.read()), config))
    if not pixels:
        raise ConfigError(f"{dataset} has no images to train on.")
    return Pictures(np.stack(pixels), np.array(classes) if config.classes else None)


def fitted(pixels: Pixels, config: TrainingConfig) -> NDArray[np.uint8]:
    """The middle square of a picture in the size and the channels of a config."""
    return fitted_square(pixels, side=config.size, colour=config.channels == 3)


class Teller:
    """Writes a run's progress into its row, at most once a second, and its checkpoints as they come."""

    def __init__(self, run: TrainingRun) -> None:
        self.run, self.told = run, 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.checkpoint is not None:
            self._keep(progress.step, progress.checkpoint)
        elif time.monotonic() - self.told < TELL_EVERY and not progress.note:
            return
        self.told = time.monotonic()
        if progress.note:
            self._went_back(progress)
            return
        self.run.beat(
            done=progress.step,
            message=f"Step {progress.step:,} of {self.run.total:,}, loss {progress.loss:.4f}",
        )
        self.run.curve = thinned([*self.run.curve, [progress.step, round(progress.loss, 5)]])
        self.run.images_per_second = progress.images_per_second
        self.run.learning_rate = progress.learning_rate
        self.run.memory_mb = progress.memory_mb
        self.run.save(update_fields=["curve", "images_per_second", "learning_rate", "memory_mb"])

    def _went_back(self, progress: Progress) -> None:
        """Say so, and draw the curve again from where it went on."""
        self.run.beat(message=progress.note)
        self.run.log(progress.note)
        self.run.curve = [point for point in self.run.curve if point[0] <= progress.step]
        self.run.save(update_fields=["curve"])

    def adopt(self) -> None:
        """Store the whole checkpoints in the run's folder that a death kept from being told."""
        known = set(self.run.checkpoints.values_list("step", flat=True))
        for folder in sorted(self.run.folder.glob("step-*")):
            description = json.loads((folder / "config.json").read_text())
            if description["step"] not in known and "metrics" in description["facts"]:
                self._keep(description["step"], folder)

    def _keep(self, step: int, folder: Path) -> None:
        description = json.loads((folder / "config.json").read_text())
        Checkpoint.store(
            f"{self.run.name}@{step}",
            description,
            (folder / "model.safetensors").read_bytes(),
            run=self.run,
            samples=_read(folder / "samples.png"),
            grid=_read(folder / GRID),
            neighbours=_read(folder / NEIGHBOURS),
            metrics=description["facts"].get("metrics", {}),
        )


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def thinned(curve: list[list[float]]) -> list[list[float]]:
    """The curve with at most `LONGEST_CURVE` points: when it is full, every second one goes."""
    return curve if len(curve) <= LONGEST_CURVE else [*curve[:-1:2], curve[-1]]
