"""One step after another; every random number comes from (seed, turn, step), so a run cut off goes on as if it had not been."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.training import augmentation, checkpoint
from generation.training.config import ConfigError, TrainingConfig
from generation.training.network import autocast, build
from generation.training.objectives import objective_of
from generation.training.optimiser import optimiser_state, restore_optimiser
from generation.training.pictures import Order, Pictures, seed_of
from generation.training.sampling import sample
from generation.training.shelf import Shelf, shown
from generation.training.space import PixelSpace, Space
from generation.training.team import Team

ENCODED_AT_ONCE = 64


@dataclass
class Draw:
    """All that chance decides about one step, for the whole batch whoever computes which part of it."""

    rows: NDArray[np.int64]
    noise: Tensor
    times: Tensor
    changes: Tensor | None
    hidden: Tensor | None

    def part(self, where: slice) -> Draw:
        def cut(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[where]

        changes, hidden = cut(self.changes), cut(self.hidden)
        return Draw(self.rows[where], self.noise[where], self.times[where], changes, hidden)


class Trainer:
    """One run: its network, averaged weights, optimiser and step."""

    def __init__(
        self,
        config: TrainingConfig,
        pictures: Pictures,
        *,
        device: torch.device | None = None,
        space: Space | None = None,
        team: Team | None = None,
    ) -> None:
        pictures.check(config)
        self.config, self.team = config, team or Team()
        self.device = device or self.team.device
        self.parts = _parts(config, self.team)
        _set_up(config)
        self.net = build(config, seed=config.seed).to(self.device)
        self.averaged = build(config).to(self.device).requires_grad_(requires_grad=False).eval()
        self.averaged.load_state_dict(self.net.state_dict())
        self.space = self.averaged.space = space or PixelSpace()
        self.joined = self.team.join(self.net)
        self.model: Any = torch.compile(self.joined) if config.compile else self.joined
        self.weights: list[Tensor] = list(self.net.parameters())
        self.averages: list[Tensor] = list(self.averaged.parameters())
        self.optimiser = torch.optim.AdamW(
            self.weights, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.objective = objective_of(config, self.device)
        self.step = 0
        # How often the run went back to a checkpoint; each time other pictures and noise come, at half the rate.
        self.turn = 0
        self.last_checkpoint: Path | None = None
        self.order = Order(len(pictures.pixels), config.batch, config.seed)
        self.pixels = Shelf(pictures.pixels, self.device)
        self.classes = None if pictures.classes is None else Shelf(pictures.classes, self.device)
        self.latents = self._latents() if config.latent and not config.augment else None

    def train_step(self) -> Tensor:
        """Take one step. Its loss stays on the device, so that nothing has to wait for it."""
        draw = self._draw()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        losses = [
            self._learn(draw if len(self.parts) == self.team.size == 1 else draw.part(where), last=last)
            for where, last in self.parts
        ]
        self._clip()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._average()
        return self.team.mean(losses[0] if len(losses) == 1 else torch.stack(losses).sum())

    def _learn(self, draw: Draw, *, last: bool) -> Tensor:
        """Add the gradients of one part of the batch; with the last part they are shared with the others."""
        clean = self._clean(draw)
        told = self._told(draw), draw.changes
        with contextlib.nullcontext() if last else self.team.alone(self.joined):
            loss = self.objective.loss(self._predict, clean, draw.noise, draw.times, *told)
            if len(self.parts) > 1:
                loss = loss / len(self.parts)
            self._backward(loss)
        return loss.detach()

    def _backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own

    def _clip(self) -> None:
        """Gradients longer than clip_gradient together are made so long, by the optimiser as it reads them.

        The fused AdamW divides gradients by `grad_scale`, which is there for loss scalers and saves a pass.
        """
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        self.optimiser.grad_scale = length.div_(float(self.config.clip_gradient)).clamp_(min=1.0)  # type: ignore[attr-defined]  # read by AdamW

    def _predict(self, noisy: Tensor, *rest: Tensor | None) -> Tensor:
        """In mixed precision; the noising and the error around it are in fp32."""
        with autocast(self.device, self.config.precision):
            predicted: Tensor = self.model(noisy, *rest)
        return predicted

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine down to a tenth; half of it for each time the run had to go back."""
        config = self.config
        warm = min(1.0, (self.step + 1) / max(1, config.warmup))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / config.steps)))
        return config.learning_rate * warm * (0.1 + 0.9 * cosine) * 0.5**self.turn

    def _draw(self) -> Draw:
        config, count = self.config, self.config.batch
        dice = torch.Generator(self.device).manual_seed(seed_of(config.seed, self.turn, 0, self.step))
        shape = (count, config.net_channels, config.net_size, config.net_size)
        noise = torch.randn(shape, generator=dice, device=self.device)
        times = self.objective.times(count, dice)
        hidden = changes = None
        if self.classes is not None:
            hidden = torch.rand(count, generator=dice, device=self.device) < config.label_dropout
        if config.augment:
            changes = augmentation.draw(count, config.augment, dice, flip=config.flip)
        return Draw(self.order.rows(self.step, self.turn), noise, times, changes, hidden)

    def _clean(self, draw: Draw) -> Tensor:
        if self.latents is not None:
            return self.latents.take(draw.rows)
        clean = shown(self.pixels, draw.rows)
        if draw.changes is not None:
            clean = augmentation.apply(clean, draw.changes)
        return self.space.encode(clean)

    def _told(self, draw: Draw) -> Tensor | None:
        if self.classes is None or draw.hidden is None:
            return None
        return self.classes.take(draw.rows).masked_fill(draw.hidden, self.config.null_class)

    def _latents(self) -> Shelf:
        """Every picture encoded once, as nothing changes them from step to step."""
        rows = np.arange(len(self.pixels))
        groups = np.split(rows, range(ENCODED_AT_ONCE, len(rows), ENCODED_AT_ONCE))
        encoded = [self.space.encode(shown(self.pixels, group)).cpu().numpy() for group in groups]
        return Shelf(np.concatenate(encoded), self.device)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.averages, self.weights, 1 - decay)

    def is_sound(self) -> bool:
        """Whether every averaged weight is a number, and so worth keeping."""
        return all(bool(norm) for norm in map(torch.isfinite, torch._foreach_norm(self.averages)))

    def samples(self) -> NDArray[np.uint8]:
        """The same few seeds at every checkpoint, so that the strip shows the model learn."""
        config = self.config
        kinds = [i % len(config.classes) for i in range(config.sample_count)] if config.classes else None
        return sample(self.averaged, range(config.sample_count), classes=kinds, steps=config.sample_steps)

    def save(self, folder: Path) -> Path:
        """A checkpoint of this step in a folder of this name."""
        facts = {**self.space.facts(), **({"turn": self.turn} if self.turn else {})}
        description = checkpoint.Description(self.config, self.step, facts)
        weights = {**self.averaged.state_dict(), **self.space.weights()}
        self.last_checkpoint = checkpoint.write(folder, description, weights, state=self._state())
        return self.last_checkpoint

    def _state(self) -> dict[str, Tensor]:
        net = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        return {**net, **optimiser_state(self.net, self.optimiser)}

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
        restore_optimiser(self.net, self.optimiser, state)
        self.step, self.turn = description.step, int(description.facts.get("turn", 0))
        self.last_checkpoint = folder


def _parts(config: TrainingConfig, team: Team) -> list[tuple[slice, bool]]:
    """Which rows of a batch this process takes, one part after another, and which part is the last."""
    share, rest = divmod(config.batch, config.accumulate * team.size)
    if rest:
        raise ConfigError(
            f"A batch of {config.batch} cannot be shared evenly by {team.size} processes in "
            f"{config.accumulate} parts each; make it a multiple of {config.accumulate * team.size}."
        )
    starts = [(part * team.size + team.rank) * share for part in range(config.accumulate)]
    return [(slice(start, start + share), start == starts[-1]) for start in starts]


def _set_up(config: TrainingConfig) -> None:
    """What torch keeps for the whole process."""
    torch.use_deterministic_algorithms(config.deterministic)
    torch.backends.cudnn.benchmark = not config.deterministic
    torch.set_float32_matmul_precision("highest" if config.deterministic else "high")
