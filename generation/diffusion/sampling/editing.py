"""Images that start from others: noised to a level and drawn from there, outside a region always as they were.

Image-to-image is SDEdit (Meng et al. 2022); in a region, the rest is put back at every step at that step's noise
(Song et al. 2021, appendix I.2), with one noise for an image, and at the end as it was, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from generation.diffusion.networks.latent_space import Space
from generation.diffusion.noise_levels import signal_and_share


@dataclass(frozen=True)
class Start:
    """What images start from: (n, size, size) or (n, size, size, 3), and how far they may go from it.

    `strength` is the share of the steps that is taken, 1 from pure noise on. `region` (size, size) is true where they
    are drawn; without one they are drawn everywhere.
    """

    images: NDArray[np.uint8]
    strength: float = 1.0
    region: NDArray[np.bool_] | None = None

    def composed(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What was drawn in the region, and around it what it started from."""
        if self.region is None:
            return pixels
        inside = self.region[None] if pixels.ndim == 3 else self.region[None, ..., None]
        return np.where(inside, pixels, self.images)


class Editing:
    """A start in a model's own values, along one schedule."""

    def __init__(self, start: Start, space: Space, schedule: Any, noise: Tensor, *, is_flow: bool) -> None:
        self.schedule, self.noise, self.is_flow = schedule, noise, is_flow
        pixels = torch.from_numpy(start.images).to(noise.device)
        images = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
        self.clean = space.encode(torch.div(images, 127.5).sub_(1))
        self.first = _first_place(schedule, start.strength)
        self.cells: Tensor | None = None
        if start.region is not None:
            region = torch.from_numpy(start.region).to(noise.device)[None, None].float()
            # A latent value belongs to the region as soon as one of its pixels does.
            self.cells = functional.adaptive_max_pool2d(region, noise.shape[-1]) > 0

    def noised(self, place: int) -> Tensor:
        """What it starts from, with as much noise as there is before the step at this place of the schedule."""
        signal, share = signal_and_share(self.schedule, place, is_flow=self.is_flow)
        return self.clean * signal + self.noise * share

    def with_surroundings(self, noisy: Tensor, place: int) -> Tensor:
        """The same with all outside the region as it would be at this place."""
        return noisy if self.cells is None else torch.where(self.cells, noisy, self.noised(place))


def _first_place(schedule: Any, strength: float) -> int:
    """Where in the schedule this share of the steps is still to come; Heun has two places a step."""
    places = 2 if hasattr(schedule, "state_in_first_order") else 1
    steps = -(-len(schedule.timesteps) // places)
    return places * min(steps - 1, round((1 - strength) * steps))
