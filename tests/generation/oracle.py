"""Networks that know the answer: what a sampler does with them is the sampler's own doing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from generation.diffusion.config import OBJECTIVES, OWN_AUTOENCODER, SCHEDULES, TrainingConfig
from generation.diffusion.networks.latent_space import LatentSpace
from generation.diffusion.networks.network import Denoiser
from generation.diffusion.objectives import Diffusion, objective_of
from generation.diffusion.sampling.sampler import sample

SIZE, FOLD = 16, 4
CPU = torch.device("cpu")


def every_choice() -> Iterator[dict[str, Any]]:
    """Whatever the form lets people choose of objective, space, schedule, SNR and weights."""
    for objective, latent, schedule, zero, gamma, shift in itertools.product(
        OBJECTIVES, ("", OWN_AUTOENCODER), SCHEDULES, (False, True), (0.0, 5.0), (1.0, 3.0)
    ):
        yield {
            "objective": objective,
            "latent": latent,
            "schedule": schedule,
            "zero_terminal_snr": zero,
            "min_snr_gamma": gamma,
            "time_shift": shift,
        }


def config_of(choice: dict[str, Any]) -> TrainingConfig:
    """Raises ConfigError for a combination that cannot be."""
    latent: dict[str, Any] = (
        {"latent_channels": FOLD**2, "latent_widths": (8, 8, 8)} if choice["latent"] else {}
    )
    return TrainingConfig(size=SIZE, patch=1, widths=(8,), head_dim=8, **latent, **choice)


class Folding(nn.Module):
    """An autoencoder that loses nothing: it folds 4 by 4 pixels into channels."""

    class _Config:
        in_channels = 1

    class _Result:
        def __init__(self, value: Tensor) -> None:
            self.latent_dist, self.mean, self.sample = self, value, value

    config = _Config()

    def encode(self, images: Tensor) -> _Result:
        return self._Result(functional.pixel_unshuffle(images, FOLD))

    def decode(self, latents: Tensor) -> _Result:
        return self._Result(functional.pixel_shuffle(latents, FOLD))


def folded_space() -> LatentSpace:
    """Latents from -4 to 4, far beyond the range of pixels."""
    return LatentSpace(Folding(), 1, mean=0.0, deviation=0.25)


class Oracle(nn.Module):
    """Takes the place of a Denoiser; `x_start` says what is behind a noisy image.

    `error` is how far what it predicts is from the truth, as a network's always is.
    """

    def __init__(self, config: TrainingConfig, *, error: float = 0.0) -> None:
        super().__init__()
        self.config, self.error = config, error
        self.space: Any = folded_space() if config.latent else _Pixels()
        self.objective = objective_of(config, CPU)
        self.weight = nn.Parameter(torch.zeros(1))
        self.generator = torch.Generator().manual_seed(3)

    def x_start(self, noisy: Tensor, signal: Tensor, noise: Tensor) -> Tensor:
        raise NotImplementedError

    def shares(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """How much of the image and how much noise training mixes at these times."""
        if isinstance(self.objective, Diffusion):
            noise = self.objective.noise[times.long()].double()
            signal = self.objective.signal[times.long()].double()
        else:
            noise = times.double() / self.config.train_timesteps
            signal = 1 - noise
        return signal.view(-1, 1, 1, 1), noise.view(-1, 1, 1, 1)

    def forward(self, noisy: Tensor, times: Tensor, *_conditions: Any) -> Tensor:
        signal, noise = self.shares(times)
        x_start = self.x_start(noisy.double(), signal, noise)
        epsilon = (noisy.double() - signal * x_start) / noise
        if self.error:
            shape = (len(noisy), 1, 1, 1)
            epsilon = epsilon + self.error * torch.randn(shape, generator=self.generator).double()
        if self.config.objective == "flow":
            return (epsilon - x_start).float()
        if self.config.objective == "epsilon":
            return epsilon.float()
        return (signal * epsilon - noise * x_start).float()

    def guided(self, noisy: Tensor, times: Tensor, *_conditions: Any, **_options: Any) -> Tensor:
        predicted: Tensor = self(noisy, times)
        return predicted


class OneImage(Oracle):
    """All its training images are this one."""

    def __init__(self, config: TrainingConfig, image: Tensor, *, error: float = 0.0) -> None:
        super().__init__(config, error=error)
        self.encoded: Tensor = self.space.encode(image).double()

    def x_start(self, noisy: Tensor, signal: Tensor, noise: Tensor) -> Tensor:
        return self.encoded.expand_as(noisy)


class PlainImages(Oracle):
    """All its training images are plain, their brightness normal with this mean and deviation."""

    def __init__(self, config: TrainingConfig, *, mean: float, deviation: float, error: float = 0.0) -> None:
        super().__init__(config, error=error)
        self.mean, self.deviation = mean, deviation

    def x_start(self, noisy: Tensor, signal: Tensor, noise: Tensor) -> Tensor:
        """The brightness to be expected behind the noise (a normal one of which a noisy sight is had)."""
        sight = noisy.mean(dim=(1, 2, 3), keepdim=True)
        variance, grain = self.deviation**2, noise**2 / noisy[0].numel()
        gain = signal * variance / (signal**2 * variance + grain)
        brightness: Tensor = self.mean + gain * (sight - signal * self.mean)
        return brightness.expand_as(noisy)


def drawn(oracle: Oracle, seeds: Sequence[int], *, sampler: str, steps: int) -> NDArray[np.uint8]:
    """What the sampler makes of the oracle."""
    return sample(cast("Denoiser", oracle), seeds, sampler=sampler, steps=steps)


class _Pixels:
    def encode(self, images: Tensor) -> Tensor:
        return images

    def decode(self, values: Tensor) -> Tensor:
        return values
