"""The transformer as denoising network: diffusers' PixArt, begun as its authors begin it."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import PixArtTransformer2DModel
from torch import nn

from generation.diffusion.config import TrainingConfig
from generation.diffusion.exporting.arguments import condition_columns, transformer_arguments


def transformer_of(config: TrainingConfig) -> Any:
    """A PixArtTransformer2DModel (Chen et al. 2023; the time by adaLN-single) with random weights.

    As published the last layer and what a block takes from the token begin at 0. So does what is read off changes,
    attributes and texts, so that what is never told stays without effect.
    """
    pixart: Any = PixArtTransformer2DModel  # diffusers ships no types
    net = pixart(**transformer_arguments(config))
    net.apply(_as_published)
    patches = net.pos_embed.proj.weight
    nn.init.xavier_uniform_(patches.view(len(patches), -1))
    time = net.adaln_single
    for layer in (time.emb.timestep_embedder.linear_1, time.emb.timestep_embedder.linear_2, time.linear):
        nn.init.normal_(layer.weight, std=0.02)
    for block in net.transformer_blocks:
        if block.attn2 is not None:
            _set_to_zero(block.attn2.to_out[0])
    _set_to_zero(net.proj_out)
    if net.caption_projection is not None:
        told = net.caption_projection.linear_1.weight
        nn.init.normal_(told, std=0.02)
        columns = condition_columns(config)
        with torch.no_grad():
            told[:, [place for place, column in enumerate(columns) if column[0] != "class"]] = 0.0
        nn.init.normal_(net.caption_projection.linear_2.weight, std=0.02)
        if not config.classes:  # a token of noughts alone would never be looked at, and so never learned
            nn.init.normal_(net.caption_projection.linear_1.bias)
    return net


def _as_published(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _set_to_zero(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
