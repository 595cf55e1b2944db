"""What diffusers' own classes are made with, in one place: for the network and sampler here, and for an export."""

from __future__ import annotations

import math

from generation.diffusion.config import TrainingConfig

# DDIM is DPM-Solver++ of the first order (Lu et al. 2022).
SOLVER_ORDER = {"ddim": 1, "dpm-solver++": 2}
# Half the logarithm of the least signal-to-noise ratio from which noise can tell the image; diffusers' advice.
LEAST_LAMBDA = -5.1
BETAS = {"cosine": "squaredcos_cap_v2", "linear": "linear"}
SCHEDULER_CLASSES = {
    "flow-euler": "FlowMatchEulerDiscreteScheduler",
    "flow-heun": "FlowMatchHeunDiscreteScheduler",
    "ddpm": "DDPMScheduler",
    "ddim": "DPMSolverMultistepScheduler",
    "dpm-solver++": "DPMSolverMultistepScheduler",
}


def class_count(config: TrainingConfig) -> int | None:
    """The classes of the network with the one that stands for none; None where it knows no classes."""
    return len(config.classes) + 1 if config.classes else None


def unet_arguments(config: TrainingConfig) -> dict[str, object]:
    """Of a UNet2DModel behind the fold of pixels, with its classes in a table of its own."""
    levels, folded = len(config.widths), config.net_channels * config.patch**2
    return {
        "sample_size": config.net_size // config.patch,
        "in_channels": folded,
        "out_channels": folded,
        "layers_per_block": config.layers,
        "block_out_channels": config.widths,
        "down_block_types": ("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        "up_block_types": ("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        "attention_head_dim": config.head_dim,
        "norm_num_groups": 8,
        "class_embed_type": None,
        "num_class_embeds": class_count(config),
    }


def noise_schedule(config: TrainingConfig) -> dict[str, object]:
    """What every diffusers scheduler of this model is set to."""
    return {
        "num_train_timesteps": config.train_timesteps,
        "beta_schedule": BETAS[config.schedule],
        "prediction_type": config.objective,
        "rescale_betas_zero_snr": config.zero_terminal_snr,
        # Sampling starts from pure noise, and so at the last time; another spacing starts too late, as if the
        # noise held some of the image already.
        "timestep_spacing": "trailing",
    }


def sampler_arguments(config: TrainingConfig, name: str) -> dict[str, object]:
    """Of the scheduler that a sampler is, of those that fit this model."""
    if config.objective == "flow":
        return {"num_train_timesteps": config.train_timesteps, "shift": config.shift}
    # Pixels lie in [-1, 1], and so must what a sampler takes for the image; latents know no such limit.
    in_pixels = not config.latent
    if name == "ddpm":
        return {**noise_schedule(config), "clip_sample": in_pixels}
    return {
        **noise_schedule(config),
        "solver_order": SOLVER_ORDER[name],
        "thresholding": in_pixels,
        "sample_max_value": 1.0,
        # Where next to nothing of the image is left, a small error of its noise is a huge one of the image.
        "lambda_min_clipped": LEAST_LAMBDA if config.objective == "epsilon" else -math.inf,
    }
