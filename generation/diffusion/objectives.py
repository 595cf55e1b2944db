"""What the network is asked to predict, and the samplers that undo the noise."""

from __future__ import annotations

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

from generation.diffusion.config import SAMPLERS, ConfigError, TrainingConfig

# Any: diffusers ships no types.
SCHEDULERS: dict[str, Any] = {
    "flow-euler": FlowMatchEulerDiscreteScheduler,
    "flow-heun": FlowMatchHeunDiscreteScheduler,
    "ddim": DDIMScheduler,
    "ddpm": DDPMScheduler,
    "dpm-solver++": DPMSolverMultistepScheduler,
}
BETAS = {"cosine": "squaredcos_cap_v2", "linear": "linear"}


def make_sampler(config: TrainingConfig, name: str = "") -> Any:
    """A diffusers scheduler by name. Raises ConfigError when it does not fit the objective."""
    fitting = SAMPLERS[config.objective]
    name = name or fitting[0]
    if name not in fitting:
        raise ConfigError(
            f"The sampler {name!r} does not fit this model ({config.objective}); choose {', '.join(fitting)}."
        )
    if config.objective == "flow":
        return SCHEDULERS[name](num_train_timesteps=config.train_timesteps)
    return SCHEDULERS[name](**_diffusion_settings(config))


def _diffusion_settings(config: TrainingConfig) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "num_train_timesteps": config.train_timesteps,
        "beta_schedule": BETAS[config.schedule],
        "prediction_type": config.objective,
    }
    if config.zero_terminal_snr:
        # Sampling has to start at the very last time, where the network has learned from pure noise.
        settings |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return settings


class Flow:
    """Flow matching (Lipman et al. 2023): the straight line from picture to noise, its velocity as target.

    Times are drawn logit-normal (Esser et al. 2024).
    """

    def __init__(self, config: TrainingConfig) -> None:
        self.timesteps = config.train_timesteps

    def times(self, count: int, dice: torch.Generator) -> Tensor:
        """(count,) shares of noise, between 0 and 1."""
        return torch.randn(count, generator=dice, device=dice.device).sigmoid_()

    def loss(self, net: Any, clean: Tensor, noise: Tensor, times: Tensor, *told: Tensor | None) -> Tensor:
        """The mean squared error of what `net(noisy, time, *told)` predicts."""
        noisy = clean.lerp(noise, times.view(-1, 1, 1, 1))
        return functional.mse_loss(net(noisy, times * self.timesteps, *told), noise - clean)


class Diffusion:
    """Noise by a schedule of discrete times; the network predicts the noise or v (Salimans & Ho 2022).

    With min_snr_gamma the error at a time counts min(SNR, gamma) as much as in picture space (Hang et al. 2023).
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self.timesteps, self.objective = config.train_timesteps, config.objective
        kept = SCHEDULERS["ddpm"](**_diffusion_settings(config)).alphas_cumprod.double()
        self.signal = kept.sqrt().float().to(device)
        self.noise = (1 - kept).sqrt().float().to(device)
        self.weights: Tensor | None = None
        if config.min_snr_gamma:
            snr = kept / (1 - kept)
            capped = snr.clamp(max=config.min_snr_gamma)
            weights = capped / (snr if config.objective == "epsilon" else snr + 1)
            self.weights = weights.float().to(device)

    def times(self, count: int, dice: torch.Generator) -> Tensor:
        """(count,) whole times, from 0 to train_timesteps - 1."""
        return torch.randint(self.timesteps, (count,), generator=dice, device=dice.device)

    def loss(self, net: Any, clean: Tensor, noise: Tensor, times: Tensor, *told: Tensor | None) -> Tensor:
        """The mean squared error of what `net(noisy, time, *told)` predicts, weighted if the config says so."""
        signal, share = self.signal[times].view(-1, 1, 1, 1), self.noise[times].view(-1, 1, 1, 1)
        target = noise if self.objective == "epsilon" else signal * noise - share * clean
        predicted = net(signal * clean + share * noise, times, *told)
        if self.weights is None:
            return functional.mse_loss(predicted, target)
        errors = functional.mse_loss(predicted, target, reduction="none").mean(dim=(1, 2, 3))
        return (errors * self.weights[times]).mean()


def objective_of(config: TrainingConfig, device: torch.device) -> Flow | Diffusion:
    return Flow(config) if config.objective == "flow" else Diffusion(config, device)
