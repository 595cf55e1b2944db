"""The small network that turns an image into 64 numbers where no published one is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from generation.features import SHIPPED

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
        means = [values.mean(dim=(2, 3)) for values in self.maps(images)]
        features: Tensor = self.features(torch.cat(means, dim=1))
        return features

    def maps(self, images: Tensor) -> Iterator[Tensor]:
        """What each level makes of them, (n, width, side / 2, side / 2) and then half the side each time."""
        values = (images - 0.5) / 0.25
        for level in self.levels:
            values = level(values)
            yield values


def shipped_network(path: Path = SHIPPED) -> SmallNetwork:
    """With the weights that it learned from drawings, ready to be asked."""
    network = SmallNetwork()
    network.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
    )
    return network.eval()
