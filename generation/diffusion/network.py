"""The denoising network: diffusers' UNet behind an optional fold of pixels into channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from diffusers import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from generation.diffusion.config import TrainingConfig
from generation.diffusion.data.augmentation import CHANGES
from generation.diffusion.exporting.arguments import class_count, unet_arguments
from generation.diffusion.latent_space import PixelSpace, Space


class Denoiser(nn.Module):
    """Predicts, from a noisy image or latent (batch, channels, size, size) and its time, what the objective asks for.

    `space` turns what it makes into images.
    """

    compiled: Callable[..., Tensor] | None = None  # `forward`, where sampling has compiled it
    compiled_for: tuple[int, bool] | None = None  # the batch, and whether guided
    layout: torch.memory_format = torch.channels_last

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        self.space: Space = PixelSpace()
        arguments = unet_arguments(config)
        embedding = None
        if config.augment:
            embedding = _ConditionEmbedding(class_count(config), 4 * config.widths[0])
            arguments |= {"class_embed_type": "identity", "num_class_embeds": None}
        unet: Any = UNet2DModel  # diffusers ships no types
        self.unet: Any = unet(**arguments)
        self.told = embedding
        if config.gradient_checkpointing:
            self.unet.enable_gradient_checkpointing()

    def forward(
        self, noisy: Tensor, time: Tensor, classes: Tensor | None, changes: Tensor | None = None
    ) -> Tensor:
        """`changes` says how each image was augmented; without it they are as they were."""
        folded = functional.pixel_unshuffle(noisy, self.config.patch)
        folded = folded.to(self.unet.conv_in.weight.dtype, memory_format=self.layout)
        labels = classes if self.told is None else self.told(len(noisy), classes, changes)
        predicted = self.unet(folded, time, class_labels=labels).sample
        return functional.pixel_shuffle(predicted, self.config.patch).float()

    def lay_out(self, layout: torch.memory_format) -> None:
        """Keep weights and activations in this order of memory from now on."""
        self.layout = layout
        self.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stub lacks this form

    def guided(
        self, noisy: Tensor, time: Tensor, classes: Tensor | None, guidance: float, rescale: float = 0.0
    ) -> Tensor:
        """The prediction pushed away from the unconditional one (classifier-free guidance, Ho & Salimans 2022).

        `rescale` of it is brought back to the spread of the conditional one (Lin et al. 2024, eq. 15 and 16).
        """
        predict = self.compiled or self
        if classes is None or guidance == 1.0:
            return cast("Tensor", predict(noisy, time, classes))
        twice, null_classes = time.repeat(2), torch.full_like(classes, self.config.null_class)
        cond, uncond = predict(noisy.repeat(2, 1, 1, 1), twice, torch.cat([classes, null_classes])).chunk(2)
        guided = cast("Tensor", uncond + guidance * (cond - uncond))
        if not rescale:
            return guided
        spread, of_cond = (part.std(dim=(1, 2, 3), keepdim=True) for part in (guided, cond))
        return guided * (rescale * of_cond / spread + 1 - rescale)


class _ConditionEmbedding(nn.Module):
    """What the network is told beside the time: the class, and how the image was augmented."""

    def __init__(self, classes: int | None, width: int) -> None:
        super().__init__()
        self.classes = nn.Embedding(classes, width) if classes else None
        self.changes = nn.Linear(CHANGES, width, bias=False)

    def forward(self, count: int, classes: Tensor | None, changes: Tensor | None) -> Tensor:
        if changes is None:
            changes = self.changes.weight.new_zeros((count, CHANGES))
        embedding = self.changes(changes)
        if self.classes is not None and classes is not None:
            embedding = embedding + self.classes(classes)
        return cast("Tensor", embedding)


def eager_layout(device: torch.device) -> torch.memory_format:
    """The order of memory that an uncompiled network works in fastest.

    On a GPU group norm knows torch's own order only, and would have every layer's output turned there and back.
    """
    return torch.contiguous_format if device.type == "cuda" else torch.channels_last


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
