"""A training run at work: images out of the pool, the training process, checkpoints back into the tables."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from generation.diffusion.attributes import codes, table_of
from generation.diffusion.config import OWN_AUTOENCODER, ConfigError, ImageClass, TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.errors import CheckpointError, TrainingFailedError, sentence_of
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.launch import train_apart
from generation.diffusion.progress import Progress
from generation.metrics.checkpoint_evaluator import GRID, NEIGHBOURS
from generation.training import pipeline_folder
from generation.training.checkpoint_evaluator import watch_for
from generation.training.conditions import text_encoders
from generation.training.conditions.text_templates import prompt_of
from generation.training.exchange.removal import prune
from generation.training.models import Checkpoint, ToldOfImages, TrainingRun
from generation.training.warm_starts import PARENT, inherit_images, written_parent
from jobs.disk_space import is_out_of_room
from jobs.models import JobFailedError, JobNeedsRoomError, JobPausedError
from jobs.throttle import Throttle
from pool.canonical.pixels import Pixels
from pool.canonical.previews import deep_squares, squares
from pool.models import Image
from pool.splits import training_images

LONGEST_CURVE = 400

OnCheckpointFolder = Callable[[int, Path], None]


def train_for(run: TrainingRun) -> None:
    """Train as the run's config says, going on from its last checkpoint. Raises JobFailedError."""
    with failing_in_words():
        config = run.parsed_config
        learn(run, config, images_of(run, config))


def learn(
    run: TrainingRun,
    config: TrainingConfig | FineTuneConfig,
    images: TrainingImages,
    *,
    pipeline: Path | None = None,
    on_checkpoint_folder: OnCheckpointFolder | None = None,
) -> Path:
    """The last checkpoint's folder, with all of them measured and in the tables.

    `on_checkpoint_folder` is called with the step and the folder of each, before its row is there.
    """
    watch = watch_for(run, config, images, pulse=Throttle(run.beat))
    recorder = RunRecorder(run, on_checkpoint_folder)
    _say_if_it_starts_again(run)
    recorder.adopt()
    done = train_apart(
        *(config, images, run.folder),
        pipeline=pipeline,
        parent=written_parent(run),
        on_progress=recorder,
        on_checkpoint=watch,
    )
    recorder.adopt()
    shutil.rmtree(run.folder / PARENT, ignore_errors=True)
    return done


def _say_if_it_starts_again(run: TrainingRun) -> None:
    """A run goes on from its folder; where another home has that, it begins at step 0, and people should know why."""
    if run.done and not any(next(run.folder.glob(f"{kind}-*"), None) for kind in ("step", "resume")):
        note = (
            f"{run.folder} holds nothing of this run's {run.done:,} steps: they lie on another machine, or were not "
            "saved yet. It starts again at step 0."
        )
        run.log(note)
        run.beat(done=0, message=note)


@contextlib.contextmanager
def failing_in_words() -> Iterator[None]:
    """What people expect of training comes out as JobFailedError with a sentence."""
    try:
        yield
    except (ConfigError, CheckpointError, TrainingFailedError, OSError, MemoryError, RuntimeError) as error:
        if is_out_of_room(error):
            raise JobNeedsRoomError from error
        sentence = sentence_of(error)
        if sentence is None:
            raise
        raise JobFailedError(sentence) from error


def images_of(run: TrainingRun, config: TrainingConfig | FineTuneConfig) -> TrainingImages:
    """The training images, each its middle square at the config's size, and what is told of each. Raises ConfigError."""
    run.beat(message="Reading the images…")
    images = list(training_images(run.dataset))
    run.images.add(*images)
    inherit_images(run)
    if not images:
        raise ConfigError(f"{run.dataset} has no images to train on.")
    return prepared_images(run, config, images, pulse=Throttle(run.beat))


def prepared_images(
    run: TrainingRun,
    config: TrainingConfig | FineTuneConfig,
    images: Sequence[Image],
    *,
    pulse: Callable[[], None],
) -> TrainingImages:
    """These images as the run is shown them, and what is told of each."""
    if isinstance(config, TrainingConfig) and config.bits == 16:
        pixels: Pixels = deep_squares(images, side=config.size, pulse=pulse)
    else:
        pixels = squares(images, side=config.size, colour=config.channels == 3, pulse=pulse)
    if isinstance(config, FineTuneConfig):
        return TrainingImages(pixels, prompts=[prompt_of(image, config.prompt) for image in images])
    attributes = None
    conditions = ToldOfImages.of(run)
    if config.attributes:
        rows = [
            codes(config.attributes, conditions.attribute_values.get(str(image.pk), {})) for image in images
        ]
        attributes = table_of(rows, config.attributes)
    training = TrainingImages(pixels, attributes=attributes)
    if config.latent not in {"", OWN_AUTOENCODER}:
        training.autoencoder = pipeline_folder.autoencoder_folder() / config.latent
    if config.text:
        training.texts = [conditions.texts.get(str(image.pk), "") for image in images]
        training.text_encoder = text_encoders.encoder(config.text.encoder).path
    if config.classes:
        numbers = [config.class_number(ImageClass(image.modality, image.label)) for image in images]
        training.classes = np.array(numbers)
    return training


class RunRecorder:
    """Writes a run's progress into its row, at most once a second, and its checkpoints as they come."""

    def __init__(self, run: TrainingRun, on_checkpoint_folder: OnCheckpointFolder | None = None) -> None:
        self.run, self.on_checkpoint_folder = run, on_checkpoint_folder
        self.record = Throttle(self._record)

    def __call__(self, progress: Progress) -> None:
        if progress.checkpoint is not None:
            self._store(progress.step, progress.checkpoint)
        if progress.checkpoint is not None or progress.note:
            self.record.now(progress)
            self._mind_copies(progress.step)
        else:
            self.record(progress)

    def _record(self, progress: Progress) -> None:
        if progress.preparing:
            self.run.beat(message=f"{progress.preparing}…")
        elif progress.note:
            self._go_back(progress)
        else:
            self._record_step(progress)

    def _record_step(self, progress: Progress) -> None:
        self.run.beat(
            done=progress.step,
            message=f"Step {progress.step:,} of {self.run.total:,}, loss {progress.loss:.4f}",
        )
        self.run.curve = thin_out([*self.run.curve, [progress.step, round(progress.loss, 5)]])
        self.run.images_per_second = progress.images_per_second
        self.run.learning_rate = progress.learning_rate
        self.run.memory_mb = progress.memory_mb
        self.run.save(update_fields=["curve", "images_per_second", "learning_rate", "memory_mb"])

    def _go_back(self, progress: Progress) -> None:
        """Say so, and draw the curve again from where it went on."""
        self.run.beat(message=progress.note)
        self.run.log(progress.note)
        self.run.curve = [point for point in self.run.curve if point[0] <= progress.step]
        self.run.save(update_fields=["curve"])

    def adopt(self) -> None:
        """Store the whole checkpoints in the run's folder that a death kept from being told."""
        stored_steps = set(self.run.checkpoints.in_training().values_list("step", flat=True))
        for folder in sorted(self.run.folder.glob("step-*")):
            description = json.loads((folder / "config.json").read_text())
            if description["step"] not in stored_steps and "metrics" in description.get("facts", {}):
                self._store(description["step"], folder)
                self._mind_copies(description["step"])

    def _mind_copies(self, step: int) -> None:
        """Pause the run where the checkpoint of this step gives back more training images than it may."""
        limit = self.run.config.get("most_copies", 1.0)
        checkpoint = self.run.checkpoints.in_training().filter(step=step).first()
        scan = checkpoint.measured.scan if checkpoint is not None else None
        if scan is not None and scan.share > limit:
            raise JobPausedError(
                f"At step {step:,}, {scan.copies} of {scan.of} samples are copies of training images, more than the "
                f"{limit:.0%} that most_copies allows. Look at them; the run can go on to its next checkpoint."
            )

    def _store(self, step: int, folder: Path) -> None:
        if self.on_checkpoint_folder is not None:
            self.on_checkpoint_folder(step, folder)
        store_checkpoint(self.run, folder, f"{self.run.name}@{step}")
        if number := self.run.config.get("keep_stored", 0):
            prune(self.run, keep=number)


def store_checkpoint(run: TrainingRun, folder: Path, name: str, *, ema_length: float = 0.0) -> Checkpoint:
    """The row of a checkpoint's folder, with its samples, sheets and metrics."""
    description = json.loads((folder / "config.json").read_text())
    return Checkpoint.store(
        name,
        description,
        folder / "model.safetensors",
        keep_weights=run.keeps_weights,
        run=run,
        ema_length=ema_length,
        samples=_read(folder / "samples.png"),
        grid=_read(folder / GRID),
        neighbours=_read(folder / NEIGHBOURS),
        metrics=description["facts"].get("metrics", {}),
    )


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def thin_out(curve: list[list[float]]) -> list[list[float]]:
    """The curve with at most `LONGEST_CURVE` points: when it is full, every second one goes."""
    return curve if len(curve) <= LONGEST_CURVE else [*curve[:-1:2], curve[-1]]
