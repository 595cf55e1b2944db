"""A LungRater model in plain diffusers: this file lies in the folder it was exported to, and needs nothing of LungRater.

    from diffusers import DiffusionPipeline
    pipe = DiffusionPipeline.from_pretrained(FOLDER, trust_remote_code=True)
    images = pipe(seeds=[1, 2], label="xray/normal", num_inference_steps=20).images

Apache-2.0. It is a pipeline of its own because no pipeline of diffusers folds pixels into channels in front of a
UNet2DModel, samples it by flow matching, or guides it by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from torch import Tensor
from torch.nn import functional

Pipeline: Any = DiffusionPipeline  # diffusers ships no types
Output: Any = ImagePipelineOutput
DECODED_AT_ONCE = 16


class LungRaterPipeline(Pipeline):  # type: ignore[misc]  # as its base is untyped
    """`labels` are the classes in the order of their numbers; the number behind the last stands for none."""

    _optional_components = ("vae", "unet", "transformer")

    def __init__(
        self,
        scheduler: Any,
        unet: Any = None,
        vae: Any = None,
        transformer: Any = None,
        *,
        patch: int = 1,
        labels: Any = (),
        channels: int = 1,
        channels_last: bool = True,
        latent_mean: float = 0.0,
        latent_deviation: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler, vae=vae, transformer=transformer)
        self.register_to_config(
            patch=patch,
            labels=list(labels),
            channels=channels,
            channels_last=channels_last,
            latent_mean=latent_mean,
            latent_deviation=latent_deviation,
        )

    @torch.inference_mode()
    def __call__(
        self,
        seeds: Sequence[int] = (0,),
        label: str | Sequence[str] | None = None,
        *,
        num_inference_steps: int = 20,
        guidance_scale: float = 1.0,
        output_type: str = "pil",
    ) -> Any:
        """One image a seed, `label` one of `config.labels` or one of them for each; as PIL, as "np" (n, side, side,
        c) in [0, 1], or as "pt" (n, c, side, side), uncut, about [-1, 1].
        """
        config, net = self.config, self.net.to(memory_format=self._layout).eval()
        device, count = net.device, len(seeds)
        classes = self._classes(label, count)
        self.scheduler.set_timesteps(num_inference_steps)
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(0)
        side = net.config.sample_size * config.patch
        shape = (1, net.config.in_channels // config.patch**2, side, side)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        noisy = torch.cat([torch.randn(shape, generator=generator) for generator in generators]).to(device)
        for step in self.progress_bar(self.scheduler.timesteps):
            time = step.to(device)[None].expand(count)
            predicted = self._guided(noisy, time, classes, guidance_scale)
            noisy = self.scheduler.step(predicted, step, noisy, generator=generators).prev_sample
        values = self._decoded(noisy)
        if output_type == "pt":
            return Output(images=values)
        arrays = ((values.float().clamp(-1, 1) + 1) / 2).permute(0, 2, 3, 1).cpu().numpy()
        return Output(images=self.numpy_to_pil(arrays) if output_type == "pil" else arrays)

    @property
    def net(self) -> Any:
        return self.unet if self.transformer is None else self.transformer

    @property
    def _layout(self) -> torch.memory_format:
        return torch.channels_last if self.config.channels_last else torch.contiguous_format

    def _classes(self, label: str | Sequence[str] | None, count: int) -> Tensor | None:
        labels = list(self.config.labels)
        if not labels:
            return None
        if label is None:
            return torch.full((count,), len(labels), device=self.net.device)
        words = [label] * count if isinstance(label, str) else list(label)
        return torch.tensor([labels.index(word) for word in words], device=self.net.device)

    def _predicted(self, noisy: Tensor, time: Tensor, classes: Tensor | None) -> Tensor:
        if not self.config.channels_last:
            plain: Tensor = self.unet(noisy.to(self.net.dtype), time).sample
            return plain.float()
        folded = functional.pixel_unshuffle(noisy, self.config.patch)
        folded = folded.to(self.net.dtype, memory_format=self._layout)
        if self.transformer is None:
            values = self.unet(folded, time, class_labels=classes).sample
        else:
            values = self.transformer(folded, self._token(len(noisy), classes), time).sample
        return functional.pixel_shuffle(values, self.config.patch).float()

    def _token(self, count: int, classes: Tensor | None) -> Tensor | None:
        """What a transformer is told: the class among the first of its numbers, and of all the others nothing."""
        size = self.transformer.config.caption_channels
        if size is None:
            return None
        token = torch.zeros((count, 1, size), device=self.net.device, dtype=self.net.dtype)
        if classes is not None:
            token[torch.arange(count), 0, classes] = 1
        return token

    def _guided(self, noisy: Tensor, time: Tensor, classes: Tensor | None, scale: float) -> Tensor:
        """Away from the prediction without a class (classifier-free guidance, Ho & Salimans 2022)."""
        if classes is None or scale == 1.0:
            return self._predicted(noisy, time, classes)
        both = torch.cat([classes, torch.full_like(classes, len(self.config.labels))])
        cond, uncond = self._predicted(noisy.repeat(2, 1, 1, 1), time.repeat(2), both).chunk(2)
        return uncond + scale * (cond - uncond)

    def _decoded(self, values: Tensor) -> Tensor:
        if self.vae is None:
            return values
        latents = values.float() * self.config.latent_deviation + self.config.latent_mean
        parts = [
            self.vae.decode(latents[at : at + DECODED_AT_ONCE]).sample
            for at in range(0, len(latents), DECODED_AT_ONCE)
        ]
        images = torch.cat(parts)
        return (
            images.mean(dim=1, keepdim=True) if self.config.channels == 1 and images.shape[1] == 3 else images
        )
