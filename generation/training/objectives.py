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

from generation.training.config import SAMPLERS, ConfigError, TrainingConfig

# Any: diffusers ships no types.
SCHEDULERS: dict[str, Any] = {
    "flow-euler": FlowMatchEulerDiscreteScheduler,
    "flow-heun": FlowMatchHeunDiscreteScheduler,
    "ddim": DDIMScheduler,
    "ddpm": DDPMScheduler,
    "dpm-solver++": DPMSolverMultistepScheduler,
}


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
    return {
        "num_train_timesteps": config.train_timesteps,
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": config.objective,
    }


def corrupt(
    config: TrainingConfig, clean: Tensor, noise: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """A noisy batch, the time of each picture and the target the network must predict.

    Flow matching (Lipman et al. 2023): the straight line from picture to noise, its velocity as target,
    times drawn logit-normal (Esser et al. 2024). Otherwise a cosine schedule of `train_timesteps`.
    """
    count = len(clean)
    if config.objective == "flow":
        share = torch.randn(count, generator=generator, device=generator.device).sigmoid().to(clean.device)
        line = share.view(-1, 1, 1, 1)
        return clean.lerp(noise, line), share * config.train_timesteps, noise - clean
    schedule = SCHEDULERS["ddpm"](**_diffusion_settings(config))
    time = torch.randint(config.train_timesteps, (count,), generator=generator, device=generator.device)
    time = time.to(clean.device)
    noisy = schedule.add_noise(clean, noise, time)
    target = noise if config.objective == "epsilon" else schedule.get_velocity(clean, noise, time)
    return noisy, time, target
