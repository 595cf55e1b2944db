"""The denoising network: diffusers' UNet behind an optional fold of pixels into channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from diffusers import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from generation.training.config import TrainingConfig


class Denoiser(nn.Module):
    """Predicts, from a noisy picture (batch, channels, size, size) and its time, what the objective asks for."""

    compiled: Callable[..., Tensor] | None = None  # `forward`, where sampling has compiled it
    compiled_for: tuple[int, bool] | None = None  # the batch, and whether guided

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        levels = len(config.widths)
        folded = config.channels * config.patch**2
        unet: Any = UNet2DModel  # diffusers ships no types
        self.unet: Any = unet(
            sample_size=config.size // config.patch,
            in_channels=folded,
            out_channels=folded,
            layers_per_block=config.layers,
            block_out_channels=config.widths,
            down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
            up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
            attention_head_dim=config.head_dim,
            norm_num_groups=8,
            num_class_embeds=len(config.classes) + 1 if config.classes else None,
        )

    def forward(self, noisy: Tensor, time: Tensor, classes: Tensor | None) -> Tensor:
        folded = functional.pixel_unshuffle(noisy, self.config.patch)
        folded = folded.contiguous(memory_format=torch.channels_last).to(self.unet.conv_in.weight.dtype)
        predicted = self.unet(folded, time, class_labels=classes).sample
        return functional.pixel_shuffle(predicted.float(), self.config.patch)

    def guided(self, noisy: Tensor, time: Tensor, classes: Tensor | None, guidance: float) -> Tensor:
        """The prediction pushed away from the unconditional one (classifier-free guidance, Ho & Salimans 2022)."""
        predict = self.compiled or self
        if classes is None or guidance == 1.0:
            return cast("Tensor", predict(noisy, time, classes))
        twice, nothing = time.repeat(2), torch.full_like(classes, self.config.null_class)
        told, untold = predict(noisy.repeat(2, 1, 1, 1), twice, torch.cat([classes, nothing])).chunk(2)
        return cast("Tensor", untold + guidance * (told - untold))


def build(config: TrainingConfig, *, seed: int | None = None) -> Denoiser:
    """A network with random weights; with a seed, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        net = Denoiser(config)
    return cast("Denoiser", net.to(memory_format=torch.channels_last))  # type: ignore[call-overload]  # torch's stub lacks this form


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The mixed precision a config asks for; `auto` is bf16 on a GPU and none on a CPU."""
    chosen = precision if precision != "auto" else ("bf16" if device.type == "cuda" else "fp32")
    dtype = torch.float16 if chosen == "fp16" else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=chosen != "fp32")
