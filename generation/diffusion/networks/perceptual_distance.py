"""How far two images are apart for a network that knows images, in the form of LPIPS."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.features.small_network import SmallNetwork, shipped_network


class PerceptualDistance(nn.Module):
    """The distance of Zhang et al. 2018, eq. 1, by the maps of a network that is at hand and with all weights 1.

    Not the published LPIPS: its networks and its weights, learned from people's answers, are of photographs.
    """

    def __init__(self, network: SmallNetwork | None = None) -> None:
        super().__init__()
        self.network = (network or shipped_network()).eval().requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> PerceptualDistance:
        return super().train(mode=False)  # it judges, and learns nothing

    def forward(self, images: Tensor, others: Tensor) -> Tensor:
        """(n,) of images (n, c, h, w) in [-1, 1], colour as its mean grey.

        At every place of every map the channels are brought to length 1; their squared differences are added up,
        averaged over the places, and added up over the maps.
        """
        pairs = zip(self._directions(images), self._directions(others), strict=True)
        return torch.stack([(a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in pairs]).sum(dim=0)

    def _directions(self, images: Tensor) -> list[Tensor]:
        grey = (images.float().mean(dim=1, keepdim=True) + 1) / 2
        return [functional.normalize(values, dim=1, eps=1e-10) for values in self.network.maps(grey)]
