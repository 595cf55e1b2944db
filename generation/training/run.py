"""A run from its first step or its last checkpoint to its end: checkpoints, measuring, going back, stopping."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.training import checkpoint
from generation.training.config import TrainingConfig
from generation.training.errors import TrainingFailedError, TrainingStopped
from generation.training.pictures import Pictures
from generation.training.progress import OnProgress, Progress
from generation.training.team import Team, team_of_environment
from generation.training.trainer import Trainer

MOST_TURNS = 3
# On a GPU the loss is looked at now and then, as each look makes it wait.
LOOK_EVERY = 20


OnCheckpoint = Callable[[Trainer, int], Mapping[str, Any]]


def train(
    config: TrainingConfig,
    pictures: Pictures,
    run: Path,
    *,
    device: torch.device | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    team: Team | None = None,
) -> Path:
    """The last checkpoint's folder; goes on by itself from what stands in `run`.

    `on_progress` is called after every step (on a GPU after every twentieth) and may raise TrainingStopped,
    before which the run is saved, or anything else. `on_checkpoint(trainer, step)` measures a checkpoint that
    is already safe in `trainer.last_checkpoint`; what it returns is kept as the facts' "metrics" and may be
    what `keep_best` names. It must be picklable and of a module without Django, because a run of the site's is
    trained in a process of its own. Raises ConfigError, CheckpointError, TrainingFailedError.
    """
    from generation.training.autoencoder import space_for

    team = team or team_of_environment()
    device = device or team.device
    space = space_for(config, pictures, run, device, team)
    trainer = Trainer(config, pictures, device=device, space=space, team=team)
    keeper = Keeper(trainer, run, on_checkpoint)
    keeper.go_on()
    try:
        for progress in steps(trainer, keeper):
            if on_progress is not None and team.rank == 0:
                on_progress(progress)
    except TrainingStopped:
        keeper.save_to_go_on()
        raise
    return keeper.last_kept or keeper.keep()[0]


def steps(trainer: Trainer, keeper: Keeper) -> Iterator[Progress]:
    """The run word by word, with checkpoints where the config wants them."""
    config = trainer.config
    pace = LOOK_EVERY if trainer.device.type == "cuda" else 1
    began, taken = time.monotonic(), 0
    since: list[Tensor] = []
    while trainer.step < config.steps:
        rate = trainer.learning_rate()
        since.append(trainer.train_step())
        taken += 1
        due = trainer.step % config.checkpoint_every == 0 or trainer.step == config.steps
        if not due and trainer.step % pace:
            continue
        loss, since = float(torch.stack(since).mean()), []
        if not math.isfinite(loss) or (due and not trainer.is_sound()):
            note = keeper.go_back(trainer.step)
            yield Progress(trainer.step, loss, rate, 0.0, note=note)
            continue
        speed = taken * config.batch / max(1e-9, time.monotonic() - began)
        kept = keeper.keep() if due else None
        if kept is None:
            keeper.save_by_the_clock()
        folder, samples, metrics = kept or (None, None, {})
        memory = peak_memory(trainer.device)
        yield Progress(trainer.step, loss, rate, speed, folder, samples, metrics, memory)


class Keeper:
    """Looks after a run's folder. In a team the first process writes and the others wait for it."""

    def __init__(self, trainer: Trainer, run: Path, on_checkpoint: OnCheckpoint | None) -> None:
        self.trainer, self.run, self.on_checkpoint = trainer, run, on_checkpoint
        self.saved_at = time.monotonic()
        self.last_kept: Path | None = None

    @property
    def writes(self) -> bool:
        return self.trainer.team.rank == 0

    def go_on(self) -> None:
        """From the newest checkpoint, or from the start, which is saved so that there is one to go back to."""
        self.last_kept = checkpoint.newest_kept(self.run)
        newest = checkpoint.latest(self.run)
        if newest is not None:
            self.trainer.restore(newest)
            if self.writes and self.last_kept == newest and "metrics" not in checkpoint.read(newest)[0].facts:
                self._finish(newest)
        elif self.writes:
            self.save_to_go_on()
        self.trainer.team.wait()

    def keep(self) -> tuple[Path, NDArray[np.uint8] | None, dict[str, Any]]:
        """A checkpoint that is sampled, measured and kept, after which others may go."""
        folder = self.run / checkpoint.name_of(self.trainer.step)
        samples: NDArray[np.uint8] | None = None
        metrics: dict[str, Any] = {}
        if self.writes:
            self.trainer.save(folder)
            samples, metrics = self._finish(folder)
            config = self.trainer.config
            checkpoint.prune(self.run, keep=config.keep_checkpoints, best_by=config.keep_best)
        self.last_kept, self.saved_at = folder, time.monotonic()
        self.trainer.team.wait()
        return folder, samples, metrics

    def _finish(self, folder: Path) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """The samples and the measures of a checkpoint that is safe."""
        samples = self.trainer.samples()
        checkpoint.write_samples(folder, samples)
        metrics = dict(self.on_checkpoint(self.trainer, self.trainer.step)) if self.on_checkpoint else {}
        checkpoint.note(folder, {"metrics": metrics})
        return samples, metrics

    def save_by_the_clock(self) -> None:
        minutes = self.trainer.config.checkpoint_minutes
        if minutes and time.monotonic() - self.saved_at >= 60 * minutes:
            self.save_to_go_on()

    def save_to_go_on(self) -> None:
        """A checkpoint for going on alone, neither sampled nor measured; the next one of any kind replaces it."""
        self.saved_at = time.monotonic()
        if self.writes:
            folder = self.trainer.save(self.run / checkpoint.name_of(self.trainer.step, kept=False))
            checkpoint.drop_others_to_go_on(self.run, folder)

    def go_back(self, failed_at: int) -> str:
        """To the newest checkpoint, with other pictures and noise and half the learning rate; says so.

        Raises TrainingFailedError when that was done often enough.
        """
        trainer = self.trainer
        turn = trainer.turn + 1
        trainer.team.wait()
        newest = checkpoint.latest(self.run)
        if turn > MOST_TURNS or newest is None:
            raise TrainingFailedError(
                f"The loss stopped being a number at step {failed_at}, also after going back {MOST_TURNS} times; "
                "try a lower learning_rate."
            )
        trainer.restore(newest)
        trainer.turn = turn
        if self.writes:
            checkpoint.note(newest, {"turn": turn})
        trainer.team.wait()
        return (
            f"The loss stopped being a number at step {failed_at}; went back to step {trainer.step}, to go on with "
            f"the pictures in another order and half the learning rate ({turn} of {MOST_TURNS} times)."
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
    "Pictures",
    "Progress",
    "TrainingFailedError",
    "TrainingStopped",
    "train",
]
