"""The denoising network: diffusers' UNet behind an optional fold of pixels into channels, or its transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from generation.diffusion.attributes import NOT_TOLD
from generation.diffusion.config import TrainingConfig
from generation.diffusion.exporting.arguments import unet_arguments
from generation.diffusion.networks.conditions import (
    ConditionEmbedding,
    condition_features,
    condition_tokens,
    is_token,
)
from generation.diffusion.networks.latent_space import PixelSpace, Space
from generation.diffusion.networks.transformer import transformer_of


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

    def forward(  # noqa: PLR0917  (the losses and compiled networks hand on what is told by its place)
        self,
        noisy: Tensor,
        time: Tensor,
        classes: Tensor | None,
        changes: Tensor | None = None,
        attributes: Tensor | None = None,
        text: Tensor | None = None,
    ) -> Tensor:
        """`changes` says how each image was augmented, (n, attributes) what else is told of it, (n, tokens, width) the
        states of its text, 0 where it has none; none of them need be there.
        """
        if self.config.unet_config:  # even a fold of one turns memory, and with it the last bits
            predicted = self._predicted(
                noisy.to(self.inner.dtype), time, classes, changes, attributes, text=text
            )
            return predicted.float()
        folded = functional.pixel_unshuffle(noisy, self.config.fold)
        folded = folded.to(next(self.inner.parameters()).dtype, memory_format=self.layout)
        predicted = self._predicted(folded, time, classes, changes, attributes, text=text)
        return functional.pixel_shuffle(predicted, self.config.fold).float()

    def _predicted(
        self,
        folded: Tensor,
        time: Tensor,
        classes: Tensor | None,
        changes: Tensor | None,
        attributes: Tensor | None,
        *,
        text: Tensor | None,
    ) -> Tensor:
        if not self.config.is_transformer:
            labels = classes if self.told is None else self.told(folded, classes, changes, attributes, text)
            looks = {} if self.config.text is None else self._looks(folded, text)
            return cast("Tensor", self.unet(folded, time, class_labels=labels, **looks).sample)
        tokens = None
        if self.transformer.caption_projection is not None:
            features = condition_features(self.config, folded, classes, changes, attributes, text=text)
            tokens = condition_tokens(self.config, features.to(folded.dtype), text)
        return cast("Tensor", self.transformer(folded, tokens, time).sample)

    def _looks(self, folded: Tensor, text: Tensor | None) -> dict[str, Tensor]:
        """What a UNet's blocks look at: a text's tokens alone, and where none is told a state of noughts, which adds nothing."""
        width = self.unet.config.cross_attention_dim
        states = folded.new_zeros((len(folded), 1, width)) if text is None else text.to(folded.dtype)
        mask = is_token(states)
        first = torch.zeros_like(mask)
        first[:, 0] = True
        return {"encoder_hidden_states": states, "encoder_attention_mask": mask | first}

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
        text: Tensor | None = None,
        text_scale: float = 1.0,
    ) -> Tensor:
        """The prediction pushed away from the one that is told nothing (classifier-free guidance, Ho & Salimans 2022).

        Of all that is told, plus for the class, each attribute and the text (its scale − 1) times the difference that it alone
        makes (after Liu et al. 2022); of one thing alone that is guidance as ever. `rescale` of it is brought back to the
        spread of what is told all (Lin et al. 2024, eq. 15 and 16).
        """
        predict = self.compiled or self
        conditions = Conditions(classes, attributes, text)
        alone_told = self._single_conditions(conditions, guidance, attribute_scales, text_scale)
        if not alone_told:
            return cast("Tensor", predict(noisy, time, *conditions.arguments))
        scales = [scale for scale, _ in alone_told]
        groups = [conditions, self._null_conditions(conditions)]
        if attributes is not None or (classes is not None and text is not None):
            groups += [own for _, own in alone_told]
        count = len(groups)
        predicted = predict(
            noisy.repeat(count, 1, 1, 1), time.repeat(count), *Conditions.of_all(groups).arguments
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

    def _null_conditions(self, conditions: Conditions) -> Conditions:
        """Nothing told."""
        classes, attributes, text = conditions.classes, conditions.attributes, conditions.text
        return Conditions(
            None if classes is None else torch.full_like(classes, self.config.null_class),
            None if attributes is None else torch.full_like(attributes, NOT_TOLD),
            None if text is None else torch.zeros_like(text),
        )

    def _single_conditions(
        self, conditions: Conditions, guidance: float, attribute_scales: Sequence[float], text_scale: float
    ) -> list[tuple[float, Conditions]]:
        """The scale of each thing that is guided, and what the network is told when it is told that alone."""
        null = self._null_conditions(conditions)
        singles: list[tuple[float, Conditions]] = []
        if conditions.classes is not None and guidance != 1.0:
            singles.append((guidance, replace(null, classes=conditions.classes)))
        if conditions.attributes is not None and null.attributes is not None:
            for place, scale in enumerate(attribute_scales):
                if scale != 1.0:
                    alone = null.attributes.clone()
                    alone[:, place] = conditions.attributes[:, place]
                    singles.append((scale, replace(null, attributes=alone)))
        if conditions.text is not None and text_scale != 1.0:
            singles.append((text_scale, replace(null, text=conditions.text)))
        return singles


@dataclass(frozen=True)
class Conditions:
    """What a network is told of each image of a batch."""

    classes: Tensor | None
    attributes: Tensor | None
    text: Tensor | None

    @classmethod
    def of_all(cls, groups: Sequence[Conditions]) -> Conditions:
        """Of several batches behind each other, all told the same kinds of things."""
        parts = [[getattr(group, field.name) for group in groups] for field in fields(cls)]
        return cls(*(None if part[0] is None else torch.cat(part) for part in parts))

    @property
    def arguments(self) -> tuple[Tensor | None, ...]:
        """What `forward` gets behind the time; nothing more than a class where nothing else is told."""
        if self.text is not None:
            return (self.classes, None, self.attributes, self.text)
        return (self.classes,) if self.attributes is None else (self.classes, None, self.attributes)


def _unet(config: TrainingConfig) -> Any:
    arguments = unet_arguments(config)
    if config.tells_more:
        arguments |= {"class_embed_type": "identity", "num_class_embeds": None}
    unet: Any = UNet2DConditionModel if config.text else UNet2DModel  # diffusers ships no types
    net = unet.from_config(arguments) if config.unet_config else unet(**arguments)
    if config.text:
        for name, part in net.named_modules():
            if name.endswith(".attn2"):  # a text that is never told stays without effect
                nn.init.zeros_(part.to_v.weight)
    return net


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
