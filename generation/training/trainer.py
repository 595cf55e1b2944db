"""The training loop: every random number comes from (seed, step), so a run that was cut off goes on as if it had not been."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.training import checkpoint
from generation.training.config import ConfigError, TrainingConfig
from generation.training.network import Denoiser, autocast, build
from generation.training.objectives import corrupt
from generation.training.sampling import sample

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class TrainingFailedError(Exception):
    """Training cannot go on; the message says what to change."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a step; `checkpoint`, `samples` and `metrics` only where one was just written."""

    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    checkpoint: Path | None = None
    samples: NDArray[np.uint8] | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)


OnProgress = Callable[[Progress], None]


@dataclass
class Pictures:
    """Training pictures as uint8 (n, size, size) or (n, size, size, 3), and the class number of each."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.int64] | None = None

    def check(self, config: TrainingConfig) -> None:
        side = (config.size, config.size) + ((3,) if config.channels == 3 else ())
        if len(self.pixels) == 0:
            raise ConfigError("There are no pictures to train on.")
        if self.pixels.shape[1:] != side:
            raise ConfigError(f"The pictures are {self.pixels.shape[1:]}; the config wants {side}.")
        if bool(config.classes) != (self.classes is not None):
            raise ConfigError(
                "A class-conditional config needs the class of each picture, another needs none."
            )


class Trainer:
    """One run: its network, averaged weights, optimiser and step."""

    def __init__(
        self, config: TrainingConfig, pictures: Pictures, *, device: torch.device | None = None
    ) -> None:
        pictures.check(config)
        self.config = config
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = build(config, seed=config.seed).to(self.device)
        self.averaged = build(config).to(self.device).requires_grad_(requires_grad=False).eval()
        self.averaged.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.step = 0
        self.last_checkpoint: Path | None = None
        pixels = torch.from_numpy(np.ascontiguousarray(pictures.pixels)).to(self.device)
        self.pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
        self.classes = (
            None if pictures.classes is None else torch.from_numpy(pictures.classes).to(self.device)
        )

    def train_step(self) -> float:
        """Take one step and return its loss. Raises TrainingFailedError when it is no longer a number."""
        config, dice = self.config, self._dice(self.step, self.device)
        clean, classes = self._batch(dice)
        noise = torch.randn(clean.shape, generator=dice, device=self.device)
        noisy, at, target = corrupt(config, clean, noise, dice)
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        with autocast(self.device, config.precision):
            predicted = self.net(noisy, at, classes)
        loss = (predicted - target).square().mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), config.clip_gradient)
        if not math.isfinite(value := float(loss.item())) or not torch.isfinite(norm):
            raise TrainingFailedError(
                f"The loss stopped being a number at step {self.step}; try a lower learning_rate."
            )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._average()
        return value

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine down to a tenth."""
        config = self.config
        warm = min(1.0, (self.step + 1) / max(1, config.warmup))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / config.steps)))
        return config.learning_rate * warm * (0.1 + 0.9 * cosine)

    def _dice(self, step: int, device: torch.device, stream: int = 0) -> torch.Generator:
        """The random numbers of one step and of nothing else."""
        word = np.random.SeedSequence([self.config.seed, stream, step]).generate_state(1, np.uint64)[0]
        return torch.Generator(device).manual_seed(int(word >> np.uint64(1)))

    def _batch(self, dice: torch.Generator) -> tuple[Tensor, Tensor | None]:
        rows = self._rows()
        clean = self.pixels[rows].float() / 127.5 - 1
        if self.classes is None:
            return clean, None
        hidden = torch.rand(len(rows), generator=dice, device=self.device) < self.config.label_dropout
        return clean, self.classes[rows].masked_fill(hidden, self.config.null_class)

    def _rows(self) -> Tensor:
        """The pictures of this step: epoch after epoch, each a new order drawn from (seed, epoch)."""
        count, first = len(self.pixels), self.step * self.config.batch
        places = range(first, first + self.config.batch)
        orders = {
            epoch: torch.randperm(count, generator=self._dice(epoch, torch.device("cpu"), stream=1))
            for epoch in {place // count for place in places}
        }
        return torch.stack([orders[place // count][place % count] for place in places]).to(self.device)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.net.parameters()), 1 - decay)

    def samples(self) -> NDArray[np.uint8]:
        """The same few seeds at every checkpoint, so that the strip shows the model learn."""
        config = self.config
        kinds = [i % len(config.classes) for i in range(config.sample_count)] if config.classes else None
        return sample(self.averaged, range(config.sample_count), classes=kinds, steps=config.sample_steps)

    def save(self, run: Path) -> Path:
        """The folder of a checkpoint of this step."""
        description = checkpoint.Description(self.config, self.step, {})
        self.last_checkpoint = checkpoint.write(
            run / f"step-{self.step:08d}", description, self.averaged.state_dict(), state=self._state()
        )
        return self.last_checkpoint

    def _state(self) -> dict[str, Tensor]:
        state = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        names = [name for name, _ in self.net.named_parameters()]
        for index, values in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{names[index]}.{key}": value for key, value in values.items()}
        return state

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint of the same config. Raises CheckpointError."""
        description, weights = checkpoint.read(folder)
        state = checkpoint.load_state(folder)
        self.averaged.load_state_dict(
            checkpoint.network(description, weights.read_bytes(), self.device).state_dict()
        )
        self.net.load_state_dict(
            {k.removeprefix("net."): v for k, v in state.items() if k.startswith("net.")}
        )
        moments = {
            index: {key: _like(weight, state[f"optimiser.{name}.{key}"]) for key in MOMENTS}
            for index, (name, weight) in enumerate(self.net.named_parameters())
            if f"optimiser.{name}.step" in state
        }
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.step, self.last_checkpoint = description.step, folder


OnCheckpoint = Callable[[Trainer, int], Mapping[str, Any]]


def _like(weight: Tensor, value: Tensor) -> Tensor:
    """The value in the memory order of its weight; the fused optimiser walks both as they lie in memory."""
    if value.shape != weight.shape:  # the step count
        return value
    return torch.empty_like(weight, requires_grad=False).copy_(value)


def train(
    config: TrainingConfig,
    pictures: Pictures,
    run: Path,
    *,
    device: torch.device | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
) -> Path:
    """The last checkpoint's folder; goes on by itself from what stands in `run`.

    `on_progress` is called after every step and may raise to stop the run. `on_checkpoint(trainer, step)`
    measures a checkpoint that is already safe in `trainer.last_checkpoint`; what it returns is kept as the
    facts' "metrics" and may be what `keep_best` names. It must be picklable and of a module without Django,
    because a run of the site's is trained in a process of its own. Raises ConfigError, CheckpointError,
    TrainingFailedError.
    """
    trainer = Trainer(config, pictures, device=device)
    done = checkpoint.latest(run)
    if done is not None:
        trainer.restore(done)
        if on_checkpoint is not None and "metrics" not in checkpoint.read(done)[0].facts:
            measured(trainer, on_checkpoint)
    for progress in steps(trainer, run, on_checkpoint):
        done = progress.checkpoint or done
        if on_progress is not None:
            on_progress(progress)
    return done or trainer.save(run)


def steps(trainer: Trainer, run: Path, on_checkpoint: OnCheckpoint | None = None) -> Iterator[Progress]:
    """The run step by step, with a checkpoint and samples where the config wants them."""
    config, began, first = trainer.config, time.monotonic(), trainer.step
    while trainer.step < config.steps:
        rate = trainer.learning_rate()
        loss = trainer.train_step()
        folder, pictures, metrics = None, None, {}
        if trainer.step % config.checkpoint_every == 0 or trainer.step == config.steps:
            folder, pictures = trainer.save(run), trainer.samples()
            metrics = measured(trainer, on_checkpoint) if on_checkpoint is not None else {}
            checkpoint.prune(run, keep=config.keep_checkpoints, best_by=config.keep_best)
        speed = (trainer.step - first) * config.batch / max(1e-9, time.monotonic() - began)
        yield Progress(trainer.step, loss, rate, speed, folder, pictures, metrics)


def measured(trainer: Trainer, on_checkpoint: OnCheckpoint) -> dict[str, Any]:
    """What the hook says of the trainer's last checkpoint, noted in it."""
    metrics = dict(on_checkpoint(trainer, trainer.step))
    if trainer.last_checkpoint is not None:
        checkpoint.note(trainer.last_checkpoint, {"metrics": metrics})
    return metrics


__all__ = [
    "Denoiser",
    "OnCheckpoint",
    "OnProgress",
    "Pictures",
    "Progress",
    "Trainer",
    "TrainingFailedError",
    "steps",
    "train",
]
