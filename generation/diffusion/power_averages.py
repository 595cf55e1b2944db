"""Averages of any length, chosen after training: power-function EMA (Karras et al. 2024, “EDM2”, section 3 and appendix C).

A run keeps two averages of its weights and writes both down at every checkpoint. The average of another length, at any step
written down or before the last, is a sum of these: the one whose profile over time is nearest to that length's in the mean square.
A length is the paper's σ_rel, the standard deviation of the profile as a share of the training so far.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from generation.diffusion.errors import CheckpointError

FOLDER = "averages"
LENGTHS = (0.05, 0.10)  # as published
SHORTEST, LONGEST = 0.01, 0.25
# Of one that the kept ones give less well than this, the average would be another one than was asked for.
MOST_ERROR = 0.1
# What a weight loses to half precision, as a share of it (root mean square).
HALF_PRECISION = 2**-12

Floats = NDArray[np.float64]


def exponent(length: float) -> float:
    """γ of the profile τ^γ whose relative width is `length`: σ_rel² = (γ + 1) / ((γ + 2)² (γ + 3)); algorithm 2."""
    inverse = length**-2
    return float(np.roots([1, 7, 16 - inverse, 12 - inverse]).real.max())


def decay(step: int, gamma: float) -> float:
    """What a step leaves of the average before it: (1 − 1/t)^(γ + 1), equation 9 in discrete time; steps from 1."""
    return float((1 - 1 / step) ** (gamma + 1))


def inner_products(steps: Floats, gammas: Floats, other_steps: Floats, other_gammas: Floats) -> Floats:
    """∫ p(τ) q(τ) dτ of the profiles (γ + 1) τ^γ / t^(γ + 1) up to their steps t; algorithm 3."""
    exponents = np.where(steps < other_steps, other_gammas, -gammas)
    ratio = (gammas + 1) * (other_gammas + 1) * (steps / other_steps) ** exponents
    return ratio / ((gammas + other_gammas + 1) * np.maximum(steps, other_steps))


def combination(steps: Floats, gammas: Floats, step: float, gamma: float) -> tuple[Floats, float]:
    """How much of each kept profile makes the profile of `gamma` at `step`, and the error of that profile as a share of it.

    The share is of the L2 norms; 0 where the profile is a kept one. Steps must differ for equal gammas.
    """
    target, target_gamma = np.float64(step), np.float64(gamma)
    rows = steps[:, None], gammas[:, None]
    products = inner_products(*rows, steps[None], gammas[None])
    with_target = inner_products(
        steps, gammas, np.full_like(steps, target), np.full_like(steps, target_gamma)
    )
    shares: Floats = np.asarray(np.linalg.solve(products, with_target), dtype=np.float64)
    norm = float(inner_products(*map(np.atleast_1d, (target, target_gamma, target, target_gamma)))[0])
    rest = norm - 2 * float(shares @ with_target) + float(shares @ products @ shares)
    return shares, math.sqrt(max(0.0, rest) / norm)


class PowerAverages:
    """The two averages as a run keeps them, in the order of its weights."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.names = list(weights)
        self.gammas = [exponent(length) for length in LENGTHS]
        self.tracks = [[weight.detach().clone() for weight in weights.values()] for _ in LENGTHS]

    def follow(self, weights: Sequence[Tensor], step: int) -> None:
        for gamma, track in zip(self.gammas, self.tracks, strict=True):
            get_ema_multi_avg_fn(decay(step, gamma))(track, list(weights), step)  # type: ignore[no-untyped-call]  # torch's own

    def state(self) -> dict[str, Tensor]:
        """Both by name, for a checkpoint to go on from and for a file to choose from."""
        return {
            f"{_prefix(number)}{name}": value
            for number, track in enumerate(self.tracks)
            for name, value in zip(self.names, track, strict=True)
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        for number, track in enumerate(self.tracks):
            for name, value in zip(self.names, track, strict=True):
                value.copy_(state[f"{_prefix(number)}{name}"])

    def write(self, run: Path, step: int) -> Path:
        """Both averages of this step in half precision, as published, whole or not there at all."""
        path = run / FOLDER / f"{step:08d}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save_file(
            {name: value.to("cpu", torch.float16).contiguous() for name, value in self.state().items()}, part
        )
        with part.open("rb") as file:
            os.fsync(file.fileno())
        return part.replace(path)


def _prefix(number: int) -> str:
    return f"average{number}."


@dataclass(frozen=True)
class Reconstruction:
    """Averaged weights of a length at a step, by how many files, and how far they are from that length's, as a share.

    Two things that know nothing of each other make the error: that of the profile, and the rounding of what was kept, times the
    norm of the shares.
    """

    weights: dict[str, Tensor]
    files: int
    error: float


def reconstruct(run: Path, length: float, step: int) -> Reconstruction:
    """The average of this length at this step from what a run's folder holds. Raises CheckpointError."""
    if not SHORTEST <= length <= LONGEST:
        raise CheckpointError(f"A length of averaging is from {SHORTEST} to {LONGEST} of the training.")
    files = {int(path.stem): path for path in sorted((run / FOLDER).glob("*.safetensors"))}
    files = {at: path for at, path in files.items() if at <= step}
    if not files:
        raise CheckpointError(
            f"{run} holds no averages of this run up to step {step:,}; they are written where the run was trained with "
            "post_hoc_ema = true."
        )
    steps = np.repeat(np.array(list(files), dtype=np.float64), len(LENGTHS))
    gammas = np.tile([exponent(of_track) for of_track in LENGTHS], len(files))
    shares, of_profile = combination(steps, gammas, step, exponent(length))
    error = math.hypot(of_profile, HALF_PRECISION * float(np.linalg.norm(shares)))
    if error > MOST_ERROR:
        raise CheckpointError(
            f"The averages written down give one of length {length:g} at step {step:,} only to within {error:.0%}; "
            "take a length nearer to those kept (0.05 and 0.1), or checkpoints closer together."
        )
    pairs = zip(files.values(), shares.reshape(-1, len(LENGTHS)), strict=True)
    return Reconstruction(_summed(pairs), len(files), error)


def _summed(files: Iterable[tuple[Path, Floats]]) -> dict[str, Tensor]:
    """Each file's averages by their shares, summed in double precision."""
    total: dict[str, Tensor] = {}
    for path, shares in files:
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"The averages {path} cannot be read: {error}") from error
        if not all(bool(value.isfinite().all()) for value in tensors.values()):
            raise CheckpointError(
                f"The averages {path} hold values that are no finite number, so that no other average can be made of them; "
                "take the run's own checkpoint, or train again with a lower learning_rate."
            )
        for key, value in tensors.items():
            number, name = int(key.partition(".")[0].removeprefix("average")), key.partition(".")[2]
            total.setdefault(name, torch.zeros(value.shape, dtype=torch.float64)).add_(
                value.double(), alpha=float(shares[number])
            )
    return {name: value.float() for name, value in total.items()}
