"""The weights of one model as those another starts with: of like networks, whatever classes each knows."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from generation.diffusion.config import TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.latent_space import PREFIX
from generation.diffusion.network import Denoiser

# Where the table of classes stands: of a network by itself, and of one that is told of augmentation as well.
CLASS_TABLES = ("unet.class_embedding.weight", "told.classes.weight")
TIME_BIAS = "unet.time_embedding.linear_2.bias"
CHANGES = "told.changes.weight"  # says nothing of an image that was not changed


def fitted(
    parent: TrainingConfig, weights: Mapping[str, Tensor], config: TrainingConfig, net: Denoiser
) -> dict[str, Tensor]:
    """All weights of `net`, from those of the parent. Raises CheckpointError where the networks differ.

    A class that both know keeps its row; a new one starts as “not told”. A model without classes starts as its parent
    is when it is told none: that row, which is added to the time, goes into the time's bias.
    """
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


def _rows(parent: TrainingConfig, table: Tensor | None, config: TrainingConfig, own: Tensor) -> Tensor:
    if table is None:
        return own.new_zeros(own.shape)
    places = [
        parent.classes.index(kind) if kind in parent.classes else parent.null_class for kind in config.classes
    ]
    return table[[*places, parent.null_class]]
