"""The small network that turns an image into 64 numbers where no published one is at hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE = 64
DIMENSIONS = 64
WIDTHS = (16, 32, 64, 96)


class Residual(nn.Module):
    """Two convolutions added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(*_layer(width, width), *_layer(width, width)[:2])

    def forward(self, values: Tensor) -> Tensor:
        return torch.relu(values + self.change(values))


def _layer(inward: int, outward: int, *, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inward, outward, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(),
    ]


class SmallNetwork(nn.Module):
    """Grey images (n, 1, 64, 64) from 0 to 1 to features (n, 64).

    Means over the image are taken at every depth, so that grain counts beside anatomy.
    """

    def __init__(self) -> None:
        super().__init__()
        inward = (1, *WIDTHS[:-1])
        self.levels = nn.ModuleList(
            nn.Sequential(*_layer(before, width, stride=2), Residual(width))
            for before, width in zip(inward, WIDTHS, strict=True)
        )
        self.features = nn.Linear(sum(WIDTHS), DIMENSIONS)

    def forward(self, images: Tensor) -> Tensor:
        values, means = (images - 0.5) / 0.25, []
        for level in self.levels:
            values = level(values)
            means.append(values.mean(dim=(2, 3)))
        features: Tensor = self.features(torch.cat(means, dim=1))
        return features
