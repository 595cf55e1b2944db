"""One step after another, whatever is learned: the batch in parts, clipping, the rate, what goes on after a break.

Every random number comes from (seed, turn, step), so a run cut off goes on as if it had not been.
"""

from __future__ import annotations

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.diffusion.checkpoint_json import CheckpointFacts
from generation.diffusion.data.training_images import Order, TrainingImages
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.progress import Tell, silent
from generation.diffusion.run_config import ConfigError, RunConfig
from generation.diffusion.sampling.seeds import seed_of

Config = TypeVar("Config", bound=RunConfig)


@dataclass
class Draw:
    """All that chance decides about one step, for the whole batch whoever computes which part of it."""

    rows: NDArray[np.int64]
    noise: Tensor
    times: Tensor
    changes: Tensor | None = None  # how each image is augmented
    hidden: Tensor | None = None  # whose class or prompt is not told
    hidden_attributes: Tensor | None = None  # (n, attributes), which of them are not told
    hidden_text: Tensor | None = None  # whose text is not told
    grain: Tensor | None = None  # where in its spread a latent lies

    def part(self, where: slice) -> Draw:
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value[where] for name, value in tensors.items() if value is not None})


class Learner(ABC, Generic[Config]):
    """One run: what it trains, the optimiser and the step. A kind of model adds what it draws and its loss."""

    joined: Any  # the network as the processes share it
    averages: list[Tensor]  # the weights that are kept
    tell: Tell = staticmethod(silent)  # where it says what it does beside its steps
    drawn_at_once = 32  # images to measure

    def __init__(
        self, config: Config, count: int, group: DistributedGroup | None, device: torch.device | None
    ) -> None:
        self.config, self.group = config, group or DistributedGroup()
        self.device = device or self.group.device
        self.parts = _parts(config, self.group)
        _set_up(config)
        self.order = Order(count, config.batch, config.seed)
        self.step = 0
        # How often the run went back to a checkpoint; each time other images and noise come, at half the rate.
        self.turn = 0
        self.last_checkpoint: Path | None = None

    def train_these(self, parameters: Mapping[str, Tensor], *, weight_decay: float = 0.0) -> None:
        """These are the weights to be trained."""
        self.trained = dict(parameters)
        self.weights: list[Tensor] = list(self.trained.values())
        self.optimiser = torch.optim.AdamW(
            self.weights, lr=self.config.learning_rate, weight_decay=weight_decay, fused=True
        )

    @abstractmethod
    def draw(self, generator: torch.Generator, rows: NDArray[np.int64]) -> Draw:
        """What chance decides about this step."""

    @abstractmethod
    def loss(self, draw: Draw) -> Tensor:
        """The mean error over a part of the batch."""

    @abstractmethod
    def images(self, places: Sequence[int], *, seed: int = 0) -> NDArray[np.uint8]:
        """What the model makes now, one image a place, of `seed` + place and of every class or prompt in turn."""

    @abstractmethod
    def save(self, folder: Path) -> Path:
        """A checkpoint of this step in a folder of this name."""

    @abstractmethod
    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint of the same config. Raises CheckpointError."""

    def train_step(self) -> Tensor:
        """Take one step. Its loss stays on the device, so that nothing has to wait for it."""
        generator = torch.Generator(self.device).manual_seed(
            seed_of(self.config.seed, self.turn, 0, self.step)
        )
        draw = self.draw(generator, self.order.rows(self.step, self.turn))
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        losses = [
            self._learn(draw if len(self.parts) == self.group.size == 1 else draw.part(where), last=last)
            for where, last in self.parts
        ]
        self._clip()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._average()
        return self.group.mean(losses[0] if len(losses) == 1 else torch.stack(losses).sum())

    def _learn(self, draw: Draw, *, last: bool) -> Tensor:
        """Add the gradients of one part of the batch; with the last part they are shared with the others."""
        with contextlib.nullcontext() if last else self.group.alone(self.joined):
            loss = self.loss(draw)
            if len(self.parts) > 1:
                loss = loss / len(self.parts)
            self._backward(loss)
        return loss.detach()

    def _backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own

    def _clip(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.weights, float(self.config.clip_gradient))

    def _average(self) -> None:
        """Follow the trained weights, where averaged ones are kept."""

    def keep_averages(self, run: Path) -> None:
        """Write into the run's folder what an average of another length is made of later, where that is kept."""

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine down to a tenth, or none; half of it for each time the run had to go back."""
        config = self.config
        warm = min(1.0, (self.step + 1) / max(1, config.warmup))
        rate = config.learning_rate * warm * 0.5**self.turn
        if config.decay == "constant":
            return rate
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / config.steps)))
        return rate * (0.1 + 0.9 * cosine)

    def validation_loss(self, images: TrainingImages) -> float | None:
        """What the kept weights lose on images that are not trained on; None where this model does not say."""
        return None

    def round_trip(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Images as they come back from the model's own latents; None where it works in none of its own."""
        return None

    def is_sound(self) -> bool:
        """Whether every weight that is kept is a number, and so worth keeping."""
        return bool(torch.nn.utils.get_total_norm(self.averages).isfinite())

    def samples(self) -> NDArray[np.uint8]:
        """The same few seeds at every checkpoint, so that the strip shows the model learn."""
        return self.images(range(self.config.sample_count))

    @property
    def facts(self) -> CheckpointFacts:
        """What a checkpoint says beside its config and its step."""
        return {"turn": self.turn} if self.turn else {}


def _parts(config: RunConfig, group: DistributedGroup) -> list[tuple[slice, bool]]:
    """Which rows of a batch this process takes, one part after another, and which part is the last."""
    share, rest = divmod(config.batch, config.accumulate * group.size)
    if rest:
        raise ConfigError(
            f"A batch of {config.batch} cannot be shared evenly by {group.size} processes in "
            f"{config.accumulate} parts each; make it a multiple of {config.accumulate * group.size}."
        )
    starts = [(part * group.size + group.rank) * share for part in range(config.accumulate)]
    return [(slice(start, start + share), start == starts[-1]) for start in starts]


def _set_up(config: RunConfig) -> None:
    """What torch keeps for the whole process."""
    torch.use_deterministic_algorithms(config.deterministic)
    torch.backends.cudnn.benchmark = not config.deterministic
    torch.set_float32_matmul_precision("highest" if config.deterministic else "high")
