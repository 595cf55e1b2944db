"""A run from its first step or its last checkpoint to its end: checkpoints, measuring, going back, stopping."""

from __future__ import annotations

import contextlib
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.diffusion import checkpoint
from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.distributed_group import DistributedGroup, group_of_environment
from generation.diffusion.errors import TrainingFailedError, TrainingStoppedError
from generation.diffusion.event_file import EventFile
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.learner import Learner
from generation.diffusion.progress import OnProgress, Progress, Tell

if TYPE_CHECKING:
    from generation.diffusion.text.states import TextStates

MOST_TURNS = 3
# On a GPU the loss is looked at now and then, as each look makes it wait.
LOOK_EVERY = 20


OnCheckpoint = Callable[[Learner[Any], int], Mapping[str, object]]


def train(
    config: TrainingConfig | FineTuneConfig,
    images: TrainingImages,
    run: Path,
    *,
    pipeline: Path | None = None,
    parent: Path | None = None,
    device: torch.device | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    group: DistributedGroup | None = None,
) -> Path:
    """The last checkpoint's folder; goes on by itself from what stands in `run`.

    `pipeline` is the folder a fine-tuning starts from, `parent` the checkpoint whose weights a new run starts with. `on_progress` is called after every step (on a GPU after
    every twentieth) and may raise TrainingStoppedError, before which the run is saved, or anything else.
    `on_checkpoint(learner, step)` measures a checkpoint that is already safe in `learner.last_checkpoint`, in every
    process of the group, so that they may share the work; what it returns in the first is kept as the facts' "metrics" and may be what `keep_best` names. It must be picklable and of a module
    without Django, because a run of the site's is trained in a process of its own. Raises ConfigError,
    CheckpointError, TrainingFailedError.
    """
    group = group or group_of_environment()
    listener = on_progress if group.rank == 0 else None
    start = pipeline if isinstance(config, FineTuneConfig) else parent
    # Asked once, of the first process: the others may look when it has written its first checkpoint already.
    newest, last_kept = group.first((checkpoint.latest(run), checkpoint.newest_kept(run)))
    learner = _learner(config, images, run, start, newest, device=device, group=group, listener=listener)
    manager = CheckpointManager(learner, run, on_checkpoint, last_kept)
    with contextlib.closing(manager):
        manager.go_on(newest)
        try:
            for progress in steps(learner, manager):
                if manager.events is not None:
                    manager.events.add(progress)
                if listener is not None:
                    listener(progress)
        except TrainingStoppedError:
            manager.save_to_go_on()
            raise
    return manager.last_kept or manager.keep()[0]


def _learner(
    config: TrainingConfig | FineTuneConfig,
    images: TrainingImages,
    run: Path,
    start: Path | None,
    newest: Path | None,
    *,
    device: torch.device | None,
    group: DistributedGroup,
    listener: OnProgress | None,
) -> Learner[Any]:
    def tell(sentence: str) -> None:
        if listener is not None:
            listener(Progress.beside_the_steps(sentence))

    if isinstance(config, FineTuneConfig):
        from generation.diffusion.finetuning.fine_tuner import FineTuner

        folder = start or Path(config.pipeline)
        learner: Learner[Any] = FineTuner(config, images, folder, device=device, group=group, tell=tell)
    else:
        from generation.diffusion.networks.autoencoder import space_for
        from generation.diffusion.trainer import Trainer

        device = device or group.device
        text = text_states(config, images, run, device, group=group, tell=tell)
        space = space_for(config, images, run, device, group, parent=start, tell=tell)
        trainer = learner = Trainer(config, images, device=device, space=space, group=group, text=text)
        if start is not None and newest is None:
            trainer.start_from(start)
    learner.tell = tell
    return learner


def text_states(
    config: TrainingConfig,
    images: TrainingImages,
    run: Path,
    device: torch.device,
    *,
    group: DistributedGroup,
    tell: Tell,
) -> TextStates | None:
    """Of a config with a text, made by the first process and read by the others. Raises ConfigError."""
    if config.text is None:
        return None
    from generation.diffusion.text.states import states_for

    if images.text_encoder is None or len(images.texts) != len(images.pixels):
        raise ConfigError("A config with a text needs that of each image, and the folder of its encoder.")
    if group.rank != 0:
        group.wait()
    states = states_for(config.text, images.texts, images.text_encoder, run, device, tell=tell)
    if group.rank == 0:
        group.wait()
    return states


def steps(learner: Learner[Any], manager: CheckpointManager) -> Iterator[Progress]:
    """The run word by word, with checkpoints where the config wants them."""
    config = learner.config
    pace = LOOK_EVERY if learner.device.type == "cuda" else 1
    began, step_count = time.monotonic(), 0
    since: list[Tensor] = []
    while learner.step < config.steps:
        rate = learner.learning_rate()
        since.append(learner.train_step())
        step_count += 1
        due = learner.step % config.checkpoint_every == 0 or learner.step == config.steps
        if not due and learner.step % pace:
            continue
        loss, since = float(torch.stack(since).mean()), []
        if not math.isfinite(loss) or (due and not learner.is_sound()):
            note = manager.go_back(learner.step)
            yield Progress(learner.step, loss, rate, 0.0, note=note)
            continue
        speed = step_count * config.batch / max(1e-9, time.monotonic() - began)
        checkpoint = manager.keep() if due else None
        if checkpoint is None:
            manager.save_by_the_clock()
        folder, samples, metrics = checkpoint or (None, None, {})
        memory = peak_memory(learner.device)
        yield Progress(learner.step, loss, rate, speed, folder, samples, metrics, memory)


class CheckpointManager:
    """Looks after a run's folder. In a group the first process writes and the others wait for it."""

    def __init__(
        self,
        learner: Learner[Any],
        run: Path,
        on_checkpoint: OnCheckpoint | None = None,
        last_kept: Path | None = None,
    ) -> None:
        self.learner, self.run, self.on_checkpoint, self.last_kept = learner, run, on_checkpoint, last_kept
        self.saved_at = time.monotonic()
        self.events: EventFile | None = None

    @property
    def writes(self) -> bool:
        return self.learner.group.rank == 0

    def go_on(self, newest: Path | None) -> None:
        """From the newest checkpoint, or from the start, which is saved so that there is one to go back to."""
        if newest is not None:
            self.learner.restore(newest)
        if self.writes:
            self.events = EventFile(self.run, self.learner.step, self.learner.tell)
            if newest is None:
                self.save_to_go_on()
        unmeasured = (
            newest is not None and newest == self.last_kept and "metrics" not in checkpoint.facts_of(newest)
        )
        if newest is not None and self.learner.group.first(unmeasured):
            self.finish(newest)
        self.learner.group.wait()

    def keep(self) -> tuple[Path, NDArray[np.uint8] | None, Mapping[str, object]]:
        """A checkpoint that is sampled, measured and kept, after which others may go."""
        folder = self.run / checkpoint.name_of(self.learner.step)
        if self.writes:
            self.learner.keep_averages(self.run)
            self.learner.save(folder)
        samples, metrics = self.finish(folder)
        if self.writes:
            config = self.learner.config
            checkpoint.prune(self.run, keep=config.keep_checkpoints, best_by=config.keep_best)
        self.last_kept, self.saved_at = folder, time.monotonic()
        self.learner.group.wait()
        return folder, samples, metrics

    def finish(self, folder: Path) -> tuple[NDArray[np.uint8] | None, Mapping[str, object]]:
        """The samples and the measures of a checkpoint that is safe."""
        samples: NDArray[np.uint8] | None = None
        if self.writes:
            samples = self.learner.samples()
            checkpoint.write_samples(folder, samples)
        metrics = dict(self.on_checkpoint(self.learner, self.learner.step)) if self.on_checkpoint else {}
        if self.writes:
            checkpoint.note(folder, {"metrics": metrics})
        if self.events is not None:
            self.events.add_checkpoint(self.learner.step, folder, metrics)
        return samples, metrics

    def close(self) -> None:
        if self.events is not None:
            self.events.close()

    def save_by_the_clock(self) -> None:
        minutes = self.learner.config.checkpoint_minutes
        if minutes and time.monotonic() - self.saved_at >= 60 * minutes:
            self.save_to_go_on()

    def save_to_go_on(self) -> None:
        """A checkpoint for going on alone, neither sampled nor measured; the next one of any kind replaces it.

        None where one of this step is there, such as one whose measuring is to be caught up on.
        """
        self.saved_at = time.monotonic()
        newest = checkpoint.latest(self.run)
        is_there = newest is not None and checkpoint.config_of(newest)["step"] == self.learner.step
        if self.writes and not is_there and self.learner.is_sound():
            folder = self.learner.save(self.run / checkpoint.name_of(self.learner.step, measured=False))
            checkpoint.drop_others_to_go_on(self.run, folder)

    def go_back(self, failed_at: int) -> str:
        """To the newest checkpoint, with other images and noise and half the learning rate; says so.

        Raises TrainingFailedError when that was done often enough.
        """
        learner = self.learner
        turn = learner.turn + 1
        learner.group.wait()
        newest = checkpoint.latest(self.run)
        if turn > MOST_TURNS or newest is None:
            raise TrainingFailedError(
                f"The loss stopped being a number at step {failed_at}, also after going back {MOST_TURNS} times; "
                "try a lower learning_rate."
            )
        learner.restore(newest)
        learner.turn = turn
        if self.writes:
            checkpoint.note(newest, {"turn": turn})
        learner.group.wait()
        return (
            f"The loss stopped being a number at step {failed_at}; went back to step {learner.step}, to go on with "
            f"the images in another order and half the learning rate ({turn} of {MOST_TURNS} times)."
        )


def peak_memory(device: torch.device) -> float:
    """Megabytes: on a GPU the most torch held on it, else the most this process held."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


__all__ = [
    "OnCheckpoint",
    "OnProgress",
    "Progress",
    "TrainingFailedError",
    "TrainingImages",
    "TrainingStoppedError",
    "train",
]
