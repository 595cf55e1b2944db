"""Small changes a radiographer or a detector might have made, of which the network is told.

Shift, scale, rotation and grey levels stay within what positioning and exposure vary anyway. An image is
flipped left to right only on request: a mirrored chest has its heart on the wrong side, and a model that has
seen it draws situs inversus. What was done to an image goes into the network beside its time, through a
layer without bias, and sampling asks for nothing done: so nothing leaks into what is generated (Karras et al.
2022, "Elucidating the Design Space of Diffusion-Based Generative Models", appendix F.2).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from generation.diffusion.attributes import CHANGES

SHIFT = 0.03  # of the side
SCALE = 0.05
ROTATION = math.radians(4)
GAIN, OFFSET = 0.08, 0.05  # of the range from black to white


def draw(count: int, probability: float, generator: torch.Generator, *, flip: bool = False) -> Tensor:
    """(count, CHANGES) in [-1, 1]: how far each change goes of the most it may; 0 where it is left out."""
    device = generator.device
    amounts = torch.rand((count, CHANGES), generator=generator, device=device) * 2 - 1
    done = torch.rand((count, CHANGES), generator=generator, device=device) < probability
    mirrored = torch.full((count,), float(flip), device=device)
    return torch.cat([amounts[:, :-1], mirrored[:, None]], dim=1) * done


def apply(images: Tensor, changes: Tensor) -> Tensor:
    """Images (n, channels, size, size) in [-1, 1], changed; what comes in at an edge repeats the edge."""
    across, down, scale, turn, gain, offset, flip = changes.unbind(1)
    zoom, angle = 1 + SCALE * scale, ROTATION * turn
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    mirror = 1 - 2 * flip
    moves = torch.stack(
        [cos * mirror, -sin, 2 * SHIFT * across, sin * mirror, cos, 2 * SHIFT * down], dim=1
    ).view(-1, 2, 3)
    grid = functional.affine_grid(moves, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    lit = moved * (1 + GAIN * gain).view(-1, 1, 1, 1) + 2 * OFFSET * offset.view(-1, 1, 1, 1)
    return lit.clamp(-1, 1)
