"""A plain, unconditional pipeline of diffusers as a checkpoint: DDPMPipeline or DDIMPipeline, a UNet2DModel in pixels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import IO

from generation.diffusion.checkpoint_json import FORMAT, CheckpointJSON
from generation.diffusion.config import FOREIGN_SAMPLERS, ConfigError, TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.model_files import INDEX, WEIGHTS, ImportedModel, tensors_read, text_of
from generation.diffusion.exporting.tensor_file import tensor_pieces

PIPELINES, UNET = ("DDPMPipeline", "DDIMPipeline"), "UNet2DModel"
# As attention was called before diffusers 0.15, which renames it when it loads.
RENAMED = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
EARLIER_NAME = re.compile(r"(?<=\.)(query|key|value|proj_attn)(?=\.(?:weight|bias)$)")

OpenFile = Callable[[str], IO[bytes]]
Values = Mapping[str, object]


def plain_model(open_file: OpenFile) -> ImportedModel:
    """Its network and its noise as the folder describes them; no code of it is run. Raises CheckpointError."""
    _check_index(_object(open_file, INDEX))
    unet, scheduler = _object(open_file, "unet/config.json"), _scheduler(open_file)
    try:
        config = _config(unet, scheduler)
    except ConfigError as error:
        raise CheckpointError(f"The pipeline cannot be taken in: {error}") from error
    try:
        tensors = tensors_read(open_file(f"unet/{WEIGHTS}"))
    except KeyError as error:
        raise CheckpointError(
            f"The pipeline has no unet/{WEIGHTS}; weights of another form, such as .bin, can run code. Save it once "
            "more with safe_serialization=True."
        ) from error
    description: CheckpointJSON = {
        "format": FORMAT,
        "step": 0,
        "config": config.as_json(),
        "facts": {"trained_on": "unknown", "licence": "unknown"},
    }
    own_names = {f"unet.{_own_name(name)}": tensor for name, tensor in tensors.items()}
    return ImportedModel(description, tensor_pieces(own_names))


def _own_name(name: str) -> str:
    return EARLIER_NAME.sub(lambda match: RENAMED[match[1]], name)


def _check_index(index: Values) -> None:
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise CheckpointError("The pipeline has code of its own, which is never run here.")
    if kind not in PIPELINES:
        raise CheckpointError(
            f"It is a {kind}; of other programs' pipelines {' and '.join(PIPELINES)} become models. A Stable Diffusion "
            "belongs under the home's models/pipelines."
        )
    if index.get("unet") != ["diffusers", UNET]:
        raise CheckpointError(f"The pipeline's unet is no {UNET} of diffusers.")


def _scheduler(open_file: OpenFile) -> Values:
    scheduler = _object(open_file, "scheduler/scheduler_config.json")
    kind = scheduler.get("_class_name")
    if kind not in FOREIGN_SAMPLERS:
        raise CheckpointError(
            f"The pipeline's scheduler is {kind}; {' and '.join(FOREIGN_SAMPLERS)} are taken in."
        )
    return scheduler


def _config(unet: Values, scheduler: Values) -> TrainingConfig:
    """Raises CheckpointError, ConfigError."""
    if unet.get("_class_name") != UNET:
        raise CheckpointError(f"The pipeline's unet is a {unet.get('_class_name')}, not a {UNET}.")
    if unet.get("class_embed_type") or unet.get("num_class_embeds"):
        raise CheckpointError(
            "The pipeline is told a class by number; only unconditional ones become models."
        )
    size, channels, widths = (
        unet.get("sample_size"),
        unet.get("in_channels", 3),
        unet.get("block_out_channels"),
    )
    if not isinstance(size, int) or channels != unet.get("out_channels", 3) or channels not in (1, 3):
        raise CheckpointError("The pipeline's unet has no square image of one or three channels in and out.")
    if not isinstance(widths, list) or not all(isinstance(width, int) and width > 0 for width in widths):
        raise CheckpointError("The pipeline's unet does not say the channels of its levels.")
    return TrainingConfig.from_mapping(
        {
            "size": size,
            "channels": channels,
            "patch": 1,
            "widths": widths,
            "layers": unet.get("layers_per_block", 2),
            "objective": scheduler.get("prediction_type", "epsilon"),
            "train_timesteps": scheduler.get("num_train_timesteps", 1000),
            "schedule": "cosine" if scheduler.get("beta_schedule") == "squaredcos_cap_v2" else "linear",
            "zero_terminal_snr": bool(scheduler.get("rescale_betas_zero_snr")),
            "unet_config": json.dumps(unet),
            "scheduler_config": json.dumps(scheduler),
        }
    )


def _object(open_file: OpenFile, name: str) -> Values:
    try:
        values = json.loads(text_of(open_file(name)))
    except KeyError as error:
        raise CheckpointError(
            f"This is neither a model that LungRater exported nor a pipeline of diffusers: it has no {name}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"The pipeline's {name} is damaged.") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"The pipeline's {name} is damaged.")
    return values
