"""Where diffusion happens: in pixels, or in the latents of an autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from generation.diffusion.checkpoint_json import CheckpointFacts

PREFIX = "autoencoder."  # of its weights among those of a checkpoint
AT_ONCE = 16


class Space(Protocol):
    """Images (n, channels, size, size) in [-1, 1] there and back."""

    def encode(self, images: Tensor) -> Tensor: ...
    def decode(self, values: Tensor) -> Tensor: ...
    def weights(self) -> dict[str, Tensor]: ...
    def facts(self) -> CheckpointFacts: ...


class PixelSpace:
    """Images as they are."""

    def encode(self, images: Tensor) -> Tensor:
        return images

    def decode(self, values: Tensor) -> Tensor:
        return values

    def weights(self) -> dict[str, Tensor]:
        return {}

    def facts(self) -> CheckpointFacts:
        return {}


class LatentSpace:
    """The latents of an autoencoder, shifted and scaled to mean 0 and deviation 1 over the training images."""

    def __init__(self, autoencoder: Any, channels: int, *, mean: float, deviation: float) -> None:
        self.autoencoder = autoencoder.eval().requires_grad_(requires_grad=False)
        self.channels, self.mean, self.deviation = channels, mean, deviation

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        return (raw_latents(self.autoencoder, images) - self.mean) / self.deviation

    @torch.no_grad()
    def decode(self, values: Tensor) -> Tensor:
        latents = values.float() * self.deviation + self.mean
        parts = [self.autoencoder.decode(part).sample for part in _groups(latents)]
        images = torch.cat(parts)
        if self.channels == 1 and images.shape[1] == 3:
            return images.mean(dim=1, keepdim=True)
        return images

    def weights(self) -> dict[str, Tensor]:
        return {PREFIX + name: value for name, value in self.autoencoder.state_dict().items()}

    def facts(self) -> CheckpointFacts:
        """All that is needed, beside the weights, to decode."""
        config = {k: v for k, v in self.autoencoder.config.items() if not k.startswith("_")}
        return {"autoencoder": {"config": config, "mean": self.mean, "deviation": self.deviation}}


def raw_latents(autoencoder: Any, images: Tensor) -> Tensor:
    """The means an AutoencoderKL encodes images to; grey ones are shown three times to a colour one."""
    if images.shape[1] == 1 and autoencoder.config.in_channels == 3:
        images = images.expand(-1, 3, -1, -1)
    parts = [autoencoder.encode(part).latent_dist.mean for part in _groups(images)]
    return torch.cat(parts)


def _groups(values: Tensor) -> list[Tensor]:
    return [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]


def space_from(
    facts: CheckpointFacts, weights: Mapping[str, Tensor], channels: int, device: torch.device
) -> Space:
    """The space of a checkpoint. Raises KeyError, RuntimeError or TypeError when it is damaged."""
    described = facts.get("autoencoder")
    if described is None:
        return PixelSpace()
    kl: Any = AutoencoderKL  # diffusers ships no types
    autoencoder = kl(**described["config"])
    own = {k.removeprefix(PREFIX): v.float() for k, v in weights.items() if k.startswith(PREFIX)}
    autoencoder.load_state_dict(own)
    return LatentSpace(
        autoencoder.to(device), channels, mean=described["mean"], deviation=described["deviation"]
    )
