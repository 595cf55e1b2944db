"""The denoising network: diffusers' UNet behind an optional fold of pixels into channels, or its transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from diffusers import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from generation.diffusion.attributes import NOT_TOLD
from generation.diffusion.conditions import ConditionEmbedding, condition_features
from generation.diffusion.config import TrainingConfig
from generation.diffusion.exporting.arguments import unet_arguments
from generation.diffusion.latent_space import PixelSpace, Space
from generation.diffusion.transformer import transformer_of


class Denoiser(nn.Module):
    """Predicts, from a noisy image or latent (batch, channels, size, size) and its time, what the objective asks for.

    `space` turns what it makes into images.
    """

    compiled: Callable[..., Tensor] | None = None  # `forward`, where sampling has compiled it
    compiled_for: tuple[int, bool] | None = None  # the batch, and whether guided
    layout: torch.memory_format

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        self.space: Space = PixelSpace()
        self.told = ConditionEmbedding(config) if config.tells_more and not config.is_transformer else None
        if config.is_transformer:
            self.transformer: Any = transformer_of(config)
        else:
            self.unet: Any = _unet(config)
        self.layout = eager_layout(torch.device("cpu"), config)
        if config.gradient_checkpointing:
            self.inner.enable_gradient_checkpointing()

    @property
    def inner(self) -> Any:
        """The network of diffusers."""
        return self.transformer if self.config.is_transformer else self.unet

    def forward(
        self,
        noisy: Tensor,
        time: Tensor,
        classes: Tensor | None,
        changes: Tensor | None = None,
        attributes: Tensor | None = None,
    ) -> Tensor:
        """`changes` says how each image was augmented, (n, attributes) what else is told of it; neither need be there."""
        if self.config.unet_config:  # even a fold of one turns memory, and with it the last bits
            predicted = self._predicted(noisy.to(self.inner.dtype), time, classes, changes, attributes)
            return predicted.float()
        folded = functional.pixel_unshuffle(noisy, self.config.fold)
        folded = folded.to(next(self.inner.parameters()).dtype, memory_format=self.layout)
        predicted = self._predicted(folded, time, classes, changes, attributes)
        return functional.pixel_shuffle(predicted, self.config.fold).float()

    def _predicted(
        self,
        folded: Tensor,
        time: Tensor,
        classes: Tensor | None,
        changes: Tensor | None,
        attributes: Tensor | None,
    ) -> Tensor:
        if not self.config.is_transformer:
            labels = classes if self.told is None else self.told(folded, classes, changes, attributes)
            return cast("Tensor", self.unet(folded, time, class_labels=labels).sample)
        token = None
        if self.transformer.caption_projection is not None:
            features = condition_features(self.config, folded, classes, changes, attributes)
            token = features.to(folded.dtype)[:, None]
        return cast("Tensor", self.transformer(folded, token, time).sample)

    def lay_out(self, layout: torch.memory_format) -> None:
        """Keep weights and activations in this order of memory from now on."""
        self.layout = layout
        self.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stub lacks this form

    def guided(
        self,
        noisy: Tensor,
        time: Tensor,
        classes: Tensor | None,
        guidance: float,
        *,
        rescale: float = 0.0,
        attributes: Tensor | None = None,
        attribute_scales: Sequence[float] = (),
    ) -> Tensor:
        """The prediction pushed away from the one that is told nothing (classifier-free guidance, Ho & Salimans 2022).

        Of all that is told, plus for the class and each attribute (its scale − 1) times the difference that it alone
        makes (after Liu et al. 2022); of one thing alone that is guidance as ever. `rescale` of it is brought back to the
        spread of what is told all (Lin et al. 2024, eq. 15 and 16).
        """
        predict = self.compiled or self
        conditions = self._single_conditions(classes, guidance, attributes, attribute_scales)
        if not conditions:
            return cast("Tensor", predict(noisy, time, *_extra_arguments(classes, attributes)))
        scales = [scale for scale, *_ in conditions]
        groups = [(classes, attributes), self._null_conditions(classes, attributes)]
        if attributes is not None:
            groups += [(own_classes, own) for _, own_classes, own in conditions]
        count = len(groups)
        told_classes, told_attributes = (
            None if group[0] is None else torch.cat(group) for group in zip(*groups, strict=True)
        )
        predicted = predict(
            noisy.repeat(count, 1, 1, 1), time.repeat(count), *_extra_arguments(told_classes, told_attributes)
        )
        cond, uncond, *alone = predicted.chunk(count)
        if alone:
            guided = cond
            for scale, part in zip(scales, alone, strict=True):
                guided = guided + (scale - 1) * (part - uncond)
        else:
            guided = uncond + scales[0] * (cond - uncond)
        if not rescale:
            return cast("Tensor", guided)
        deviation, of_cond = (part.std(dim=(1, 2, 3), keepdim=True) for part in (guided, cond))
        return cast("Tensor", guided * (rescale * of_cond / deviation + 1 - rescale))

    def _null_conditions(
        self, classes: Tensor | None, attributes: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        """Neither class nor attribute told."""
        return (
            None if classes is None else torch.full_like(classes, self.config.null_class),
            None if attributes is None else torch.full_like(attributes, NOT_TOLD),
        )

    def _single_conditions(
        self,
        classes: Tensor | None,
        guidance: float,
        attributes: Tensor | None,
        attribute_scales: Sequence[float],
    ) -> list[tuple[float, Tensor | None, Tensor | None]]:
        """The scale of each thing that is guided, and what the network is told when it is told that alone."""
        null_classes, null_attributes = self._null_conditions(classes, attributes)
        conditions: list[tuple[float, Tensor | None, Tensor | None]] = []
        if classes is not None and guidance != 1.0:
            conditions.append((guidance, classes, null_attributes))
        if attributes is not None and null_attributes is not None:
            for place, scale in enumerate(attribute_scales):
                if scale != 1.0:
                    alone = null_attributes.clone()
                    alone[:, place] = attributes[:, place]
                    conditions.append((scale, null_classes, alone))
        return conditions


def _extra_arguments(classes: Tensor | None, attributes: Tensor | None) -> tuple[Tensor | None, ...]:
    """What `forward` gets behind the time; nothing more than a class where there are no attributes."""
    return (classes,) if attributes is None else (classes, None, attributes)


def _unet(config: TrainingConfig) -> Any:
    arguments = unet_arguments(config)
    if config.tells_more:
        arguments |= {"class_embed_type": "identity", "num_class_embeds": None}
    unet: Any = UNet2DModel  # diffusers ships no types
    return unet.from_config(arguments) if config.unet_config else unet(**arguments)


def eager_layout(device: torch.device, config: TrainingConfig) -> torch.memory_format:
    """The order of memory that an uncompiled network works in fastest.

    On a GPU group norm knows torch's own order only, and would have every layer's output turned there and back. A
    UNet of another program stays in that order, so that it makes the very values that it makes there.
    """
    is_contiguous = device.type == "cuda" or bool(config.unet_config)
    return torch.contiguous_format if is_contiguous else torch.channels_last


def build(config: TrainingConfig, *, seed: int | None = None) -> Denoiser:
    """A network with random weights; with a seed, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        net = Denoiser(config)
    return cast("Denoiser", net.to(memory_format=net.layout))  # type: ignore[call-overload]  # torch's stub lacks this form


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The mixed precision a config asks for; `auto` is bf16 on a GPU and none on a CPU."""
    chosen = precision if precision != "auto" else ("bf16" if device.type == "cuda" else "fp32")
    dtype = torch.float16 if chosen == "fp16" else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=chosen != "fp32")
