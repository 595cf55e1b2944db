"""What diffusers' own classes are made with, in one place: for the network and sampler here, and for an export."""

from __future__ import annotations

import math
from dataclasses import dataclass

from generation.diffusion.attributes import CHANGES
from generation.diffusion.config import FOREIGN_SAMPLERS, TrainingConfig

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

NO_CLASS = ("class", "none")
# Sampling starts from pure noise, and so at the last time; another spacing starts too late, as if the noise held some
# of the image already.
FROM_PURE_NOISE = {"timestep_spacing": "trailing"}
# What of another program's scheduler decides how images are noised.
OF_THE_NOISE = (
    *("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas"),
    *("prediction_type", "rescale_betas_zero_snr"),
)


def scheduler_class(config: TrainingConfig, name: str) -> str:
    """The class of diffusers that this sampler of the model is."""
    if config.scheduler_config:
        return next(kind for kind, sampler in FOREIGN_SAMPLERS.items() if sampler == name)
    return SCHEDULER_CLASSES[name]


@dataclass(frozen=True)
class DiffusersNetwork:
    kind: str
    folder: str
    arguments: dict[str, object]

    @property
    def prefix(self) -> str:
        """Of its weights among those of a checkpoint."""
        return f"{self.folder}."


def class_count(config: TrainingConfig) -> int | None:
    """The classes of the network with the one that stands for none; None where it knows no classes."""
    return len(config.classes) + 1 if config.classes else None


def unet_arguments(config: TrainingConfig) -> dict[str, object]:
    """Of a UNet2DModel behind the fold of pixels, with its classes in a table of its own."""
    if config.unet_config:
        return dict(config.unet)
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
        **(_of_text(config) if config.text else {}),
    }


def _of_text(config: TrainingConfig) -> dict[str, object]:
    """Of a UNet2DConditionModel, which looks at a text where the other one looks at the image alone."""
    rest = len(config.widths) - 1
    return {
        "down_block_types": ("DownBlock2D",) * rest + ("CrossAttnDownBlock2D",),
        "up_block_types": ("CrossAttnUpBlock2D",) + ("UpBlock2D",) * rest,
        "cross_attention_dim": config.text.width if config.text else None,
        # Which is the number of heads, whatever diffusers calls it.
        "attention_head_dim": tuple(width // config.head_dim for width in config.widths),
    }


def transformer_arguments(config: TrainingConfig) -> dict[str, object]:
    """Of a PixArtTransformer2DModel, which is told all but the time by a single token; without any it has no place for one."""
    told = len(condition_columns(config))
    return {
        "sample_size": config.net_size,
        "in_channels": config.net_channels,
        "out_channels": config.net_channels,
        "patch_size": config.patch,
        "num_layers": config.depth,
        "num_attention_heads": config.heads,
        "attention_head_dim": config.width // config.heads,
        "cross_attention_dim": config.width if told else None,
        "caption_channels": told or None,
        "use_additional_conditions": False,
    }


def condition_columns(config: TrainingConfig) -> list[tuple[str, ...]]:
    """What each number of the transformer's token says, in order: the classes first, the last of them for none."""
    classes = [("class", str(kind)) for kind in config.classes] + [NO_CLASS] if config.classes else []
    changes = [("change", str(place)) for place in range(CHANGES)] if config.augment else []
    attributes = [column for each in config.attributes for column in each.columns]
    return [*classes, *changes, *attributes, *(config.text.columns if config.text else ())]


def network_of(config: TrainingConfig) -> DiffusersNetwork:
    """The class of diffusers that the network is of, its arguments, and the name of its folder and of its weights."""
    if config.is_transformer:
        return DiffusersNetwork("PixArtTransformer2DModel", "transformer", transformer_arguments(config))
    return DiffusersNetwork("UNet2DModel", "unet", unet_arguments(config))


def noise_schedule(config: TrainingConfig) -> dict[str, object]:
    """What every diffusers scheduler of this model is set to."""
    if config.scheduler_config:
        return {name: value for name, value in config.scheduler.items() if name in OF_THE_NOISE}
    return {
        "num_train_timesteps": config.train_timesteps,
        "beta_schedule": BETAS[config.schedule],
        "prediction_type": config.objective,
        "rescale_betas_zero_snr": config.zero_terminal_snr,
        **FROM_PURE_NOISE,
    }


def sampler_arguments(config: TrainingConfig, name: str) -> dict[str, object]:
    """Of the scheduler that a sampler is, of those that fit this model."""
    if config.scheduler_config:
        # As it came; another sampler than its own starts from pure noise, as ours do.
        spacing = {} if name == config.samplers[0] else FROM_PURE_NOISE
        return {**{k: v for k, v in config.scheduler.items() if not k.startswith("_")}, **spacing}
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
