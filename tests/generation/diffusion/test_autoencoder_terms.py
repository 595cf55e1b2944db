"""What an autoencoder learns from besides errors of pixels: each term beside its definition, computed apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from generation.diffusion.networks.patch_adversary import (
    PatchAdversary,
    PatchDiscriminator,
    adaptive_weight,
    hinge_loss,
)
from generation.diffusion.networks.perceptual_distance import PerceptualDistance
from generation.features.small_network import shipped_network

CPU = torch.device("cpu")


def images(count: int = 3, *, channels: int = 1, side: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.rand((count, channels, side, side), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def by_hand(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Of two maps (channels, height, width): place by place, no torch."""
    channels, height, width = one.shape
    total = 0.0  # of all places
    for y in range(height):
        for x in range(width):
            a, b = one[:, y, x].astype(np.float64), other[:, y, x].astype(np.float64)
            a, b = (v / max(float(np.sqrt((v * v).sum())), 1e-10) for v in (a, b))
            total += sum(float(a[c] - b[c]) ** 2 for c in range(channels))
    return float(total / (height * width))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_perceptual_distance_is_that_of_lpips_over_the_shipped_networks_maps(channels: int) -> None:
    first, second = images(channels=channels), images(channels=channels, seed=1)

    distances = PerceptualDistance()(first, second)

    network = shipped_network()
    with torch.no_grad():
        levels = [
            [level.numpy() for level in network.maps((batch.mean(dim=1, keepdim=True) + 1) / 2)]
            for batch in (first, second)
        ]
    for place in range(len(first)):
        pairs = zip(*levels, strict=True)
        assert float(distances[place]) == pytest.approx(
            sum(by_hand(one[place], other[place]) for one, other in pairs), rel=1e-4
        )


def test_equal_images_are_no_distance_apart_and_black_ones_still_teach() -> None:
    black = torch.full((1, 1, 32, 32), -1.0, requires_grad=True)
    distance = PerceptualDistance()

    distance(black, images(1)).sum().backward()

    assert torch.equal(distance(images(), images()), torch.zeros(3))
    assert black.grad is not None
    assert bool(black.grad.isfinite().all())
    assert float(black.grad.abs().sum()) > 0


@pytest.mark.parametrize(("size", "patches", "seen"), [(256, 30, 70), (64, 6, 70), (16, 2, 34), (8, 2, 16)])
def test_a_patch_is_as_large_as_published_where_the_image_is(size: int, patches: int, seen: int) -> None:
    net = PatchDiscriminator(1, size, 8).eval()
    image = images(1, side=size).requires_grad_()

    net(image)[..., patches // 2, patches // 2].sum().backward()

    assert net(image).shape == (1, 1, patches, patches)
    assert image.grad is not None
    rows = image.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == min(seen, int(rows.max()) + 1, size - int(rows.min()))


def test_the_hinge_counts_only_patches_on_the_wrong_side() -> None:
    real, decoded = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.25])

    assert float(hinge_loss(real, decoded)) == pytest.approx(0.5 * (0.5 / 2 + 1.25 / 2))


def test_the_adaptive_weight_is_the_ratio_of_gradients_computed_apart() -> None:
    layer = nn.Conv2d(2, 1, 3)
    values = images(4, channels=2)

    def error() -> torch.Tensor:
        return torch.as_tensor((layer(values) - 1).abs().mean())

    def adversarial() -> torch.Tensor:
        return torch.as_tensor(0.01 * layer(values).square().mean())

    norms = []
    for term in (error, adversarial):
        layer.zero_grad()
        term().backward()
        assert layer.weight.grad is not None
        norms.append(float(layer.weight.grad.norm()))
    weight = adaptive_weight(error(), adversarial(), layer.weight)

    assert float(weight) == pytest.approx(norms[0] / (norms[1] + 1e-4), rel=1e-5)
    assert not weight.requires_grad


def test_the_adversarial_term_moves_images_to_where_the_discriminator_calls_them_real() -> None:
    adversary = PatchAdversary(1, 32, 8, CPU)
    decoder = nn.Conv2d(1, 1, 3, padding=1)
    decoded = decoder(images())
    before = float(adversary.net(decoded).mean().detach())

    adversary.term(decoded, decoded.square().mean(), decoder.weight).backward()
    torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    torch.optim.SGD(decoder.parameters(), lr=1e-2).step()

    assert float(adversary.net(decoder(images())).mean().detach()) > before
    assert all(weight.grad is None for weight in adversary.net.parameters())


def test_the_discriminator_comes_to_tell_real_images_from_decoded() -> None:
    torch.manual_seed(0)
    adversary = PatchAdversary(1, 32, 8, CPU)
    real, decoded = images(8), torch.zeros(8, 1, 32, 32)

    for _ in range(30):
        adversary.learn(real, decoded, decay=1.0)

    assert float(adversary.net(real).mean()) > float(adversary.net(decoded).mean()) + 0.5
