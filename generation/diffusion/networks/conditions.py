"""What the network is told of an image, added to its time: class, changes, attributes, and of a text the mean of its states."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.diffusion.attributes import CHANGES, WAVES, Attribute
from generation.diffusion.config import TrainingConfig
from generation.diffusion.exporting.arguments import class_count


class ConditionEmbedding(nn.Module):
    """What the network is told beside the time. What is not told, or not changed, adds nothing."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        classes, width = class_count(config), 4 * config.widths[0]
        self.width = width
        self.classes = nn.Embedding(classes, width) if classes else None
        self.changes = nn.Linear(CHANGES, width, bias=False) if config.augment else None
        if config.attributes:
            self.attributes = nn.ModuleList(AttributeEmbedding(a, width) for a in config.attributes)
        if config.text:
            self.text = nn.Linear(config.text.width, width, bias=False)
            nn.init.zeros_(self.text.weight)

    def forward(
        self,
        noisy: Tensor,
        classes: Tensor | None,
        changes: Tensor | None,
        attributes: Tensor | None,
        text: Tensor | None = None,
    ) -> Tensor:
        embedding = noisy.new_zeros((len(noisy), self.width))
        if self.changes is not None and changes is not None:
            embedding = embedding + self.changes(changes)
        if self.classes is not None and classes is not None:
            embedding = embedding + self.classes(classes)
        if attributes is not None:
            for place, part in enumerate(self.attributes):
                embedding = embedding + part(attributes[:, place])
        if text is not None:
            embedding = embedding + self.text(mean_state(text).to(self.text.weight.dtype))
        return embedding


class AttributeEmbedding(nn.Module):
    """A category by a row of its own for each value, a number by itself and a few waves; not told adds nothing."""

    def __init__(self, attribute: Attribute, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(len(attribute.values), width) if attribute.values else None
        self.line = None if attribute.values else nn.Linear(2 + 2 * WAVES, width, bias=False)
        for weight in self.parameters():  # what is never told stays without effect
            nn.init.zeros_(weight)

    def forward(self, code: Tensor) -> Tensor:
        is_told = ~code.isnan()
        value = code.nan_to_num(0.0)
        if self.table is not None:
            embedding = self.table(value.long())
        else:
            line = cast("nn.Linear", self.line)  # one of both is there
            embedding = line(_waves(value).to(line.weight.dtype))
        return cast("Tensor", embedding * is_told[:, None])


def mean_state(text: Tensor) -> Tensor:
    """(n, tokens, width) to (n, width): the mean over a text's own tokens, 0 where none is told."""
    return text.sum(dim=1) / is_token(text).sum(dim=1, keepdim=True).clamp(min=1)


def is_token(text: Tensor) -> Tensor:
    """(n, tokens): which states are of a text; all others are 0."""
    return (text != 0).any(dim=2)


def _waves(value: Tensor) -> Tensor:
    """A number (n,) from 0 to 1 as what a layer can read off it: (n, 2 + 2 × WAVES)."""
    angles = value[:, None] * math.pi * 2.0 ** torch.arange(WAVES, device=value.device)
    return torch.cat([torch.ones_like(value)[:, None], value[:, None], angles.sin(), angles.cos()], dim=1)


def condition_features(
    config: TrainingConfig,
    noisy: Tensor,
    classes: Tensor | None,
    changes: Tensor | None,
    attributes: Tensor | None,
    *,
    text: Tensor | None = None,
) -> Tensor:
    """(n, columns) as `condition_columns` names them; what is not told, or not changed, is 0."""
    count, device = len(noisy), noisy.device
    parts: list[Tensor] = []
    if known := class_count(config):
        told = torch.full((count,), config.null_class, device=device) if classes is None else classes
        parts.append(functional.one_hot(told.long(), known).float())
    if config.augment:
        parts.append(torch.zeros((count, CHANGES), device=device) if changes is None else changes.float())
    for place, attribute in enumerate(config.attributes):
        code = torch.full((count,), math.nan, device=device) if attributes is None else attributes[:, place]
        value = code.nan_to_num(0.0)
        told_as = (
            functional.one_hot(value.long(), len(attribute.values)).float()
            if attribute.values
            else _waves(value)
        )
        parts.append(told_as * ~code.isnan()[:, None])
    if config.text:
        width = config.text.width
        parts.append(torch.zeros((count, width), device=device) if text is None else mean_state(text.float()))
    return torch.cat(parts, dim=1)


def condition_tokens(config: TrainingConfig, features: Tensor, text: Tensor | None) -> Tensor:
    """(n, 1 + tokens, columns): what is told of an image, and of a model that is told texts each state of its own."""
    if config.text is None:
        return features[:, None]
    count, columns = features.shape
    tokens = features.new_zeros((count, 1 + config.text.tokens, columns))
    tokens[:, 0] = features
    if text is not None:
        tokens[:, 1:, columns - config.text.width :] = text
    return tokens
