"""What the network is asked to predict, and the samplers that undo the noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
)
from torch import Tensor
from torch.nn import functional

from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.exporting.arguments import noise_schedule, sampler_arguments

DPMSolver: Any = DPMSolverMultistepScheduler  # diffusers ships no types


class ClippedDPMSolver(DPMSolver):  # type: ignore[misc]  # as its base is untyped
    """What diffusers makes of `thresholding` with a `sample_max_value` of 1, without its limit on a batch's size."""

    def _threshold_sample(self, sample: Tensor) -> Tensor:
        return sample.clamp(-1, 1)


FLOW_SOLVERS: dict[str, Callable[..., object]] = {
    "flow-euler": FlowMatchEulerDiscreteScheduler,
    "flow-heun": FlowMatchHeunDiscreteScheduler,
}


def make_sampler(config: TrainingConfig, name: str = "") -> Any:
    """A diffusers scheduler by name. Raises ConfigError when it does not fit the model."""
    name = name or config.samplers[0]
    if name not in config.samplers:
        raise ConfigError(
            f"The sampler {name!r} does not fit this model ({config.objective}); "
            f"choose {', '.join(config.samplers)}."
        )
    arguments = sampler_arguments(config, name)
    if config.scheduler_config:
        kind: Any = {"ddpm": DDPMScheduler, "ddim": DDIMScheduler}[name]
        return kind.from_config(arguments)
    if config.objective == "flow":
        return FLOW_SOLVERS[name](**arguments)
    if name == "ddpm":
        ancestral: Any = DDPMScheduler
        return ancestral(**arguments)
    return ClippedDPMSolver(**arguments)


class Flow:
    """Flow matching (Lipman et al. 2023): the straight line from image to noise, its velocity as target.

    Times are drawn logit-normal and shifted for the size (Esser et al. 2024): by their equation 23 t / (1 - t) is
    `shift` times as large, which adds its logarithm to the logit.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self.timesteps = config.train_timesteps
        self.log_shift = math.log(config.shift)

    def times(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) shares of noise, between 0 and 1."""
        logits = torch.randn(count, generator=generator, device=generator.device)
        return (logits + self.log_shift if self.log_shift else logits).sigmoid_()

    def loss(
        self, net: Any, clean: Tensor, noise: Tensor, times: Tensor, *conditions: Tensor | None
    ) -> Tensor:
        """The mean squared error of what `net(noisy, time, *told)` predicts."""
        noisy = clean.lerp(noise, times.view(-1, 1, 1, 1))
        return functional.mse_loss(net(noisy, times * self.timesteps, *conditions), noise - clean)


class Diffusion:
    """Noise by a schedule of discrete times; the network predicts the noise or v (Salimans & Ho 2022).

    With min_snr_gamma the error at a time counts min(SNR, gamma) as much as in image space (Hang et al. 2023);
    for v min(SNR + 1, gamma), as in diffusers' examples: else pure noise, where sampling starts, would count nothing.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self.timesteps, self.objective = config.train_timesteps, config.objective
        ancestral: Any = DDPMScheduler
        alphas_cumprod = ancestral(**noise_schedule(config)).alphas_cumprod.double()
        self.signal = alphas_cumprod.sqrt().float().to(device)
        self.noise = (1 - alphas_cumprod).sqrt().float().to(device)
        self.weights: Tensor | None = None
        if config.min_snr_gamma:
            snr = alphas_cumprod / (1 - alphas_cumprod) + (0 if config.objective == "epsilon" else 1)
            self.weights = (snr.clamp(max=config.min_snr_gamma) / snr).float().to(device)

    def times(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) whole times, from 0 to train_timesteps - 1."""
        return torch.randint(self.timesteps, (count,), generator=generator, device=generator.device)

    def loss(
        self, net: Any, clean: Tensor, noise: Tensor, times: Tensor, *conditions: Tensor | None
    ) -> Tensor:
        """The mean squared error of what `net(noisy, time, *told)` predicts, weighted if the config says so."""
        signal, share = self.signal[times].view(-1, 1, 1, 1), self.noise[times].view(-1, 1, 1, 1)
        target = noise if self.objective == "epsilon" else signal * noise - share * clean
        predicted = net(signal * clean + share * noise, times, *conditions)
        if self.weights is None:
            return functional.mse_loss(predicted, target)
        errors = functional.mse_loss(predicted, target, reduction="none").mean(dim=(1, 2, 3))
        return (errors * self.weights[times]).mean()


def objective_of(config: TrainingConfig, device: torch.device) -> Flow | Diffusion:
    return Flow(config) if config.objective == "flow" else Diffusion(config, device)
