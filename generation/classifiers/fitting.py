"""Training one classifier: a fixed budget of steps, classes drawn equally often, every random number from one seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from generation.classifiers.classifier import Classifier, Description, as_input, fresh, threads_for
from generation.classifiers.networks import load_weights

WEIGHT_DECAY = 1e-2
WARMUP = 0.1
SETTLING_BATCHES = 16
MOST_TURN, MOST_SHIFT, MOST_ZOOM = math.radians(7), 0.08, 0.1


class FitFailedError(Exception):
    """This classifier cannot be trained; the message says what to change."""


@dataclass(frozen=True)
class Budget:
    """What every classifier of an experiment gets, whatever it is trained on."""

    steps: int
    batch: int
    learning_rate: float
    augment: bool
    weights: str = ""


@dataclass(frozen=True)
class Labelled:
    """Images (n, size, size) or (n, size, size, 3) and the class number of each."""

    squares: NDArray[np.uint8]
    numbers: NDArray[np.int64]

    def balanced_rows(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Rows drawn so that every class comes equally often, however rare it is."""
        rows_of = [np.flatnonzero(self.numbers == number) for number in np.unique(self.numbers)]
        turns = generator.permutation(np.arange(count) % len(rows_of))
        return np.array([generator.choice(rows_of[turn]) for turn in turns], dtype=np.int64)


def fit(
    description: Description,
    lessons: Labelled,
    budget: Budget,
    *,
    seed: int,
    before: Labelled | None = None,
    pulse: Callable[[], None] = lambda: None,
) -> tuple[Classifier, list[float]]:
    """A classifier trained on the lessons, and the loss of every step.

    With `before` it is trained on those images first, with the whole budget and then, from the weights that this
    leaves, on the lessons exactly as it would have been without: as many steps, a new optimiser, a new warm-up.
    The same arguments give the same classifier on one machine. `pulse` is called between steps and may raise
    to stop. Raises FitFailedError, WeightsError.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), threads_for(description):
        torch.manual_seed(seed)
        network = fresh(description)
        if budget.weights:
            load_weights(network, Path(budget.weights))
        network.to(device).train()
        generator = np.random.default_rng([seed, 1])
        losses: list[float] = []
        if before is not None:
            losses += _descend(network, before, budget, np.random.default_rng([seed, 4]), pulse)
        losses += _descend(network, lessons, budget, generator, pulse)
        _settle(network, lessons, budget, generator)
    return Classifier(description, network), losses


def _descend(
    network: nn.Module,
    lessons: Labelled,
    budget: Budget,
    generator: np.random.Generator,
    pulse: Callable[[], None],
) -> Iterator[float]:
    optimiser = torch.optim.AdamW(network.parameters(), lr=budget.learning_rate, weight_decay=WEIGHT_DECAY)
    device = next(network.parameters()).device
    for step in range(budget.steps):
        pulse()
        for group in optimiser.param_groups:
            group["lr"] = budget.learning_rate * _pace(step, budget.steps)
        rows = lessons.balanced_rows(budget.batch, generator)
        inputs = as_input(lessons.squares[rows], device)
        if budget.augment:
            inputs = _moved(inputs, generator)
        targets = torch.from_numpy(lessons.numbers[rows]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = functional.cross_entropy(network(inputs), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
        if not math.isfinite(value := float(loss.item())):
            raise FitFailedError(
                f"The loss stopped being a number at step {step}; try a lower learning rate."
            )
        yield value


def _settle(network: nn.Module, lessons: Labelled, budget: Budget, generator: np.random.Generator) -> None:
    """Batch statistics as a plain mean over the final weights: a short training leaves running ones behind."""
    device = next(network.parameters()).device
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        for _ in range(SETTLING_BATCHES):
            network(as_input(lessons.squares[lessons.balanced_rows(budget.batch, generator)], device))


def _pace(step: int, steps: int) -> float:
    """Linear warm-up over the first tenth, then a cosine down to nothing."""
    warm = min(1.0, (step + 1) / max(1.0, WARMUP * steps))
    return warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def _moved(inputs: Tensor, generator: np.random.Generator) -> Tensor:
    """Each image turned, shifted and zoomed a little; never mirrored, because the heart has its side."""
    count = len(inputs)
    turn = generator.uniform(-MOST_TURN, MOST_TURN, count)
    zoom = 1 + generator.uniform(-MOST_ZOOM, MOST_ZOOM, count)
    shift = generator.uniform(-MOST_SHIFT, MOST_SHIFT, (2, count))
    rows = [
        [zoom * np.cos(turn), -zoom * np.sin(turn), shift[0]],
        [zoom * np.sin(turn), zoom * np.cos(turn), shift[1]],
    ]
    maps = torch.from_numpy(np.array(rows).transpose(2, 0, 1)).to(inputs)
    grid = functional.affine_grid(maps, list(inputs.shape), align_corners=False)
    return functional.grid_sample(inputs, grid, padding_mode="border", align_corners=False)
