"""The weights of one model as those another starts with: of like networks, whatever classes each knows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from generation.diffusion.config import TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.arguments import NO_CLASS, condition_columns
from generation.diffusion.networks.latent_space import PREFIX
from generation.diffusion.networks.network import Denoiser

# Where the table of classes stands: of a network by itself, and of one that is told of augmentation as well.
CLASS_TABLES = ("unet.class_embedding.weight", "told.classes.weight")
TIME_BIAS = "unet.time_embedding.linear_2.bias"
TOKEN_WEIGHT, TOKEN_BIAS = (f"transformer.caption_projection.linear_1.{name}" for name in ("weight", "bias"))
CHANGES = "told.changes.weight"  # says nothing of an image that was not changed


def fitted(
    parent: TrainingConfig, weights: Mapping[str, Tensor], config: TrainingConfig, net: Denoiser
) -> dict[str, Tensor]:
    """All weights of `net`, from those of the parent. Raises CheckpointError where the networks differ.

    A class that both know keeps its row; a new one starts as “not told”. A model without classes starts as its parent
    is when it is told none: that row, which is added to the time, goes into the time's bias.
    """
    if config.is_transformer and parent.is_transformer:
        weights = retold(parent, weights, config, net)
    shared = {k: v.float() for k, v in weights.items() if not k.startswith((PREFIX, *CLASS_TABLES))}
    table = next((weights[name].float() for name in CLASS_TABLES if name in weights), None)
    own = net.state_dict()
    filled = {k: v.clone() for k, v in own.items()} | {k: v for k, v in shared.items() if k in own}
    own_table = next((name for name in CLASS_TABLES if name in own), None)
    if own_table is not None:
        filled[own_table] = _rows(parent, table, config, own[own_table])
    elif table is not None:
        filled[TIME_BIAS] = filled[TIME_BIAS] + table[parent.null_class].to(filled[TIME_BIAS].device)
    changed = [name for name, value in filled.items() if value.shape != own[name].shape]
    if changed or not shared.keys() <= {*own.keys(), CHANGES}:
        raise CheckpointError("The checkpoint to start from is of another network.")
    return filled


def retold(
    parent: TrainingConfig, weights: Mapping[str, Tensor], config: TrainingConfig, net: Denoiser
) -> dict[str, Tensor]:
    """The weights of a parent's transformer, its first look at the token turned to what this one is told.

    The parent's “no class told” stands for a class that is new, and in the bias where no classes are told any more.
    """
    table, bias = weights.get(TOKEN_WEIGHT), weights.get(TOKEN_BIAS)
    own = net.state_dict().get(TOKEN_WEIGHT)
    if table is None or bias is None or own is None:
        return dict(weights)
    columns = dict(zip(condition_columns(parent), table.float().unbind(dim=1), strict=True))
    null = columns.get(NO_CLASS)
    places = [
        columns.get(column, null if column[0] == "class" and null is not None else own.new_zeros(len(own)))
        for column in condition_columns(config)
    ]
    if null is not None and not config.classes:
        bias = bias.float() + null
    return {**weights, TOKEN_WEIGHT: torch.stack([p.to(own.device) for p in places], dim=1), TOKEN_BIAS: bias}


def _rows(parent: TrainingConfig, table: Tensor | None, config: TrainingConfig, own: Tensor) -> Tensor:
    if table is None:
        return own.new_zeros(own.shape)
    places = [
        parent.classes.index(kind) if kind in parent.classes else parent.null_class for kind in config.classes
    ]
    return table[[*places, parent.null_class]]
