"""The files of a diffusers pipeline folder that a checkpoint becomes, and the checkpoint that such files are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from generation.diffusion.checkpoint_json import CheckpointJSON
from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.arguments import (
    DiffusersNetwork,
    network_of,
    sampler_arguments,
    scheduler_class,
)
from generation.diffusion.exporting.model_files import INDEX, WEIGHTS, ImportedModel, tensors_read, text_of
from generation.diffusion.exporting.plain_pipeline import plain_model
from generation.diffusion.exporting.tensor_file import StoredTensor, tensor_pieces

CODE = Path(__file__).with_name("pipeline.py")
DESCRIPTION, LEFT_OVER = "lungrater.json", "lungrater.safetensors"
CARD = "README.md"
VAE, SCHEDULER = "vae", "scheduler"
NETWORK_FOLDERS = ("unet", "transformer")
# How the checkpoint names what each of diffusers' parts holds; where it learned from changed images, its table of
# classes stands beside the network.
OF_VAE, CLASSES, CLASS_TABLE = "autoencoder.", "told.classes.weight", "class_embedding.weight"

MOST_STEPS = 2**31 - 1  # that the database counts
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it, not after a stroke of its own

Files = dict[str, Iterable[bytes]]  # the pieces of each, by its path; each is gone through once


def pipeline_files(description: CheckpointJSON, weights: IO[bytes], card: str, *, sampler: str = "") -> Files:
    """Every file of the folder; `card` is its README.md. The weights are read, in pieces, as their files are.

    Raises CheckpointError, ConfigError.
    """
    config = TrainingConfig.from_mapping(description["config"])
    sampler = sampler or config.samplers[0]
    if sampler not in config.samplers:
        raise ConfigError(f"This model is sampled by {', '.join(config.samplers)}, not by {sampler}.")
    autoencoder = description.get("facts", {}).get("autoencoder")
    net = network_of(config)
    of_net, vae, rest = _parted(tensors_read(weights), net)
    scheduler = scheduler_class(config, sampler)
    files: Files = {
        INDEX: _json(_index(config, scheduler, autoencoder)),
        f"{net.folder}/config.json": _json({"_class_name": net.kind, **_stamp(), **net.arguments}),
        f"{net.folder}/{WEIGHTS}": tensor_pieces(of_net),
        f"{SCHEDULER}/scheduler_config.json": _json(
            {"_class_name": scheduler, **_stamp(), **sampler_arguments(config, sampler)}
        ),
        "pipeline.py": [CODE.read_bytes()],
        DESCRIPTION: _json(description),
        CARD: [card.encode()],
    }
    if autoencoder:
        scaling = {"scaling_factor": 1 / autoencoder["deviation"], "shift_factor": autoencoder["mean"]}
        vae_config = {"_class_name": "AutoencoderKL", **_stamp(), **autoencoder["config"], **scaling}
        files |= {f"{VAE}/config.json": _json(vae_config), f"{VAE}/{WEIGHTS}": tensor_pieces(vae)}
    if rest:
        files[LEFT_OVER] = tensor_pieces(rest)
    return files


def imported(open_file: Callable[[str], IO[bytes]]) -> ImportedModel:
    """The checkpoint of a folder that LungRater exported, or of a plain pipeline of diffusers; `open_file` opens a file
    by its path, or raises KeyError.

    The files must stay open until the weights are written. Their code is never run. Raises CheckpointError.
    """
    try:
        text = open_file(DESCRIPTION)
    except KeyError:
        return plain_model(open_file)
    try:
        description = _description(text_of(text))
        config = TrainingConfig.from_mapping(description["config"])
        if config.text:
            raise CheckpointError(
                "The model is told texts by an encoder of another site, and cannot be taken in."
            )
        net = network_of(config)
        of_net = tensors_read(open_file(f"{net.folder}/{WEIGHTS}"))
        tensors = {net.prefix + name: tensor for name, tensor in of_net.items()}
        if description.get("facts", {}).get("autoencoder"):
            tensors |= {
                OF_VAE + name: tensor for name, tensor in tensors_read(open_file(f"{VAE}/{WEIGHTS}")).items()
            }
        if config.tells_more and not config.is_transformer:
            table = tensors.pop(net.prefix + CLASS_TABLE, None)
            tensors |= tensors_read(open_file(LEFT_OVER)) | ({CLASSES: table} if table else {})
    except KeyError as error:
        raise CheckpointError(
            f"This is no pipeline that LungRater exported: it has no {error.args[0]}."
        ) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"The pipeline's description is damaged: {error}") from error
    return ImportedModel(description, tensor_pieces(tensors))


def _description(text: bytes) -> CheckpointJSON:
    """What the database can hold of it, with a step. Raises ValueError, KeyError, TypeError."""
    description: CheckpointJSON = json.loads(text)
    step = description["step"]
    if type(step) is not int or not 0 <= step <= MOST_STEPS:
        raise ValueError("its step is no number of steps.")
    words = json.dumps(description, ensure_ascii=False, allow_nan=False)
    words.encode()  # half a letter cannot be
    if NUL.search(words):
        raise ValueError("a text has a zero in it.")
    return description


def _parted(
    tensors: Mapping[str, StoredTensor], net: DiffusersNetwork
) -> tuple[dict[str, StoredTensor], ...]:
    """The tensors of the network, of the autoencoder, and what plain diffusers has no place for."""
    of_net = {n.removeprefix(net.prefix): t for n, t in tensors.items() if n.startswith(net.prefix)}
    vae = {n.removeprefix(OF_VAE): t for n, t in tensors.items() if n.startswith(OF_VAE)}
    rest = {n: t for n, t in tensors.items() if not n.startswith((net.prefix, OF_VAE))}
    if CLASSES in rest:  # added to the time all the same, so the network's own table does as well
        of_net[CLASS_TABLE] = rest.pop(CLASSES)
    return of_net, vae, rest


def _index(
    config: TrainingConfig, scheduler: str, autoencoder: Mapping[str, object] | None
) -> dict[str, object]:
    net = network_of(config)
    scaling = (
        {"latent_mean": autoencoder["mean"], "latent_deviation": autoencoder["deviation"]}
        if autoencoder
        else {}
    )
    return {
        "_class_name": ["pipeline", "LungRaterPipeline"],
        **_stamp(),
        **{name: ["diffusers", net.kind] if name == net.folder else [None, None] for name in NETWORK_FOLDERS},
        "scheduler": ["diffusers", scheduler],
        "vae": ["diffusers", "AutoencoderKL"] if autoencoder else [None, None],
        "patch": config.fold,
        "channels": config.channels,
        "channels_last": not config.unet_config,
        "labels": [str(kind) for kind in config.classes],
        **scaling,
    }


def _stamp() -> dict[str, str]:
    try:
        return {"_diffusers_version": version("diffusers")}
    except PackageNotFoundError:  # a web host has none
        return {"_diffusers_version": "0.35.0"}


def _json(value: Any) -> list[bytes]:
    return [json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"]
