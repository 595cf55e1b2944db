"""What an autoencoder learns from besides errors: a discriminator that tells its patches from those of real images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.diffusion.optimiser import optimiser_state, restore_optimiser

MOST_LAYERS, WIDEST = 3, 64  # of Isola et al. 2017: patches of 70 x 70
LEARNING_RATE, BETAS = 2e-4, (0.5, 0.9)
LARGEST_WEIGHT = 1e4
OWN = "discriminator."  # of what a checkpoint keeps of it


class PatchDiscriminator(nn.Module):
    """PatchGAN (Isola et al. 2017): for each patch of an image a number, high where it looks real.

    An image smaller than 32 pixels gets fewer layers.
    """

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        count = max(1, min(MOST_LAYERS, int(math.log2(size)) - 2))
        widths = [width * min(2**layer, 8) for layer in range(count + 1)]
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for layer, (before, after) in enumerate(itertools.pairwise(widths), start=1):
            layers += [
                nn.Conv2d(before, after, 4, stride=2 if layer < count else 1, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))
        self.apply(_as_published)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, patches, patches)"""
        patches: Tensor = self.layers(images)
        return patches


def _as_published(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def hinge_loss(real: Tensor, decoded: Tensor) -> Tensor:
    """What the discriminator loses: patches of real images belong above 1, decoded ones below -1."""
    return 0.5 * (functional.relu(1 - real).mean() + functional.relu(1 + decoded).mean())


def adaptive_weight(error: Tensor, adversarial: Tensor, last_layer: Tensor) -> Tensor:
    """So much that both pull alike at the decoder's last layer (Esser et al. 2021, eq. 7): the ratio of their gradients."""
    of_error, of_adversarial = (
        torch.autograd.grad(term, last_layer, retain_graph=True)[0].norm() for term in (error, adversarial)
    )
    ratio: Tensor = of_error / (of_adversarial + 1e-4)
    return ratio.clamp(max=LARGEST_WEIGHT).detach()


class PatchAdversary:
    """The discriminator as it learns beside the autoencoder."""

    def __init__(self, channels: int, size: int, width: int, device: torch.device) -> None:
        self.net = PatchDiscriminator(channels, size, min(WIDEST, width)).to(device)
        self.trained = {OWN + name: weight for name, weight in self.net.named_parameters()}
        self.optimiser = torch.optim.AdamW(
            list(self.trained.values()), lr=LEARNING_RATE, betas=BETAS, weight_decay=0.0, fused=True
        )

    def term(self, decoded: Tensor, error: Tensor, last_layer: Tensor) -> Tensor:
        """What the autoencoder loses where its patches do not pass for real ones, as strong as its error."""
        self.net.requires_grad_(requires_grad=False)
        adversarial: Tensor = -self.net(decoded).float().mean()
        self.net.requires_grad_(requires_grad=True)
        return adaptive_weight(error, adversarial, last_layer) * adversarial

    def learn(self, clean: Tensor, decoded: Tensor, *, decay: float) -> None:
        """One step, at this part of its rate, of images and what was made of them."""
        for group in self.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * decay
        hinge_loss(self.net(clean).float(), self.net(decoded.detach()).float()).backward()  # type: ignore[no-untyped-call]  # torch's own
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        net = {OWN + name: value for name, value in self.net.state_dict().items()}
        return {**net, **optimiser_state(self.trained, self.optimiser)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        own = {k.removeprefix(OWN): v for k, v in state.items() if k.startswith(OWN)}
        if own:
            self.net.load_state_dict(own)
            restore_optimiser(self.trained, self.optimiser, state)
