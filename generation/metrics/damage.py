"""The ways in which a generated image goes wrong, done to good ones on purpose; the small extractor learns them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Change = Callable[[Tensor, Tensor, torch.Generator], Tensor]


def moved(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Images (n, 1, h, w) turned, shifted and scaled a little, a little brighter or darker, at `side` pixels."""
    count = len(images)
    angle = 0.10 * _symmetric(count, generator)
    scale = 0.92 + 0.08 * _symmetric(count, generator)
    shift = 0.08 * torch.stack([_symmetric(count, generator), _symmetric(count, generator)], dim=1)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    affine = torch.cat([turn * scale.view(-1, 1, 1), shift.unsqueeze(2)], dim=2)
    grid = functional.affine_grid(affine, [count, 1, side, side], align_corners=False)
    # Averaged to the new size first: a grid alone would skip pixels.
    small = functional.interpolate(images, size=(side, side), mode="area")
    new = functional.grid_sample(small, grid, padding_mode="border", align_corners=False)
    gain, lift = 1 + 0.15 * _symmetric(count, generator), 0.05 * _symmetric(count, generator)
    return (new * gain.view(-1, 1, 1, 1) + lift.view(-1, 1, 1, 1)).clamp(0, 1)


def damaged(images: Tensor, kinds: Tensor, strengths: Tensor, generator: torch.Generator) -> Tensor:
    """Each image with the damage of its kind (a place in DAMAGES) at its strength from 0 to 1."""
    new = images.clone()
    for number, change in enumerate(DAMAGES.values()):
        rows = kinds == number
        if rows.any():
            new[rows] = change(images[rows], strengths[rows].view(-1, 1, 1, 1), generator)
    return new.clamp(0, 1)


def _symmetric(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * 2 - 1


def _noise(like: Tensor, generator: torch.Generator, *, coarse: int = 1) -> Tensor:
    side = like.shape[-1]
    noise = torch.randn((len(like), 1, side // coarse, side // coarse), generator=generator)
    return functional.interpolate(noise, size=(side, side), mode="bicubic") if coarse > 1 else noise


def _none(images: Tensor, _strength: Tensor, _generator: torch.Generator) -> Tensor:
    return images


def _grain(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    return images + 0.5 * strength**2 * _noise(images, generator)


def _clouds(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    return images + 0.4 * strength * _noise(images, generator, coarse=8)


def _soft(images: Tensor, strength: Tensor, _generator: torch.Generator) -> Tensor:
    """Between the image and its blurred self."""
    blurred = images
    for size in (3, 5, 9):
        padded = functional.pad(blurred, [size // 2] * 4, mode="replicate")
        blurred = functional.avg_pool2d(padded, size, stride=1)
    return images.lerp(blurred, strength.expand_as(images))


def _blocks(images: Tensor, strength: Tensor, _generator: torch.Generator) -> Tensor:
    coarse = functional.interpolate(functional.avg_pool2d(images, 4), scale_factor=4.0, mode="nearest")
    return images.lerp(coarse, strength.expand_as(images))


def _checkers(images: Tensor, strength: Tensor, _generator: torch.Generator) -> Tensor:
    """The pattern that transposed convolutions leave."""
    side = images.shape[-1]
    rows = torch.arange(side) % 2
    return images + 0.15 * strength * (rows[:, None] ^ rows[None, :]).float().mul(2).sub(1)


def _warped(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    side = images.shape[-1]
    still = functional.affine_grid(
        torch.eye(2, 3).expand(len(images), 2, 3), [len(images), 1, side, side], align_corners=False
    )
    bent = torch.cat([_noise(images, generator, coarse=8), _noise(images, generator, coarse=8)], dim=1)
    grid = still + 0.2 * strength * bent.permute(0, 2, 3, 1)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _shuffled(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Tiles of the image in each other's place: right in the small, wrong in the large."""
    tiles = functional.unfold(images, 16, stride=16)
    order = torch.rand(tiles.shape[0], tiles.shape[2], generator=generator)
    stay = order > strength.view(-1, 1)
    places = torch.arange(tiles.shape[2]).expand_as(order)
    moves = torch.where(stay, places, places.roll(5, dims=1))
    mixed = tiles.gather(2, moves.unsqueeze(1).expand_as(tiles))
    return functional.fold(mixed, images.shape[-2:], 16, stride=16)


def _blended(images: Tensor, strength: Tensor, _generator: torch.Generator) -> Tensor:
    """Two images through each other."""
    return images.lerp(images.roll(1, dims=0).flip(3), 0.5 * strength.expand_as(images))


def _flat(images: Tensor, strength: Tensor, _generator: torch.Generator) -> Tensor:
    grey = images.mean(dim=(1, 2, 3), keepdim=True)
    return images.lerp(grey, 0.95 * strength.expand_as(images))


DAMAGES: dict[str, Change] = {
    "none": _none,
    "grain": _grain,
    "clouds": _clouds,
    "soft": _soft,
    "blocks": _blocks,
    "checkers": _checkers,
    "warped": _warped,
    "shuffled": _shuffled,
    "blended": _blended,
    "flat": _flat,
}
