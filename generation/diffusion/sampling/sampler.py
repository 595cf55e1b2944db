"""Images out of a network: each from its own seed, so that it does not depend on its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generation.diffusion.networks.network import Denoiser, autocast
from generation.diffusion.noise_levels import noise_level
from generation.diffusion.objectives import make_sampler
from generation.diffusion.sampling.editing import Editing, Start
from generation.diffusion.sampling.guidance import Guidance

BetweenSteps = Callable[[], None]


def sample(
    net: Denoiser,
    seeds: Sequence[int],
    *,
    classes: Sequence[int] | None = None,
    attributes: NDArray[np.float32] | None = None,
    text: NDArray[np.float32] | None = None,
    sampler: str = "",
    steps: int = 20,
    guidance: float | Guidance = 1.0,
    precision: str = "auto",
    start: Start | None = None,
    bits: int = 8,
    between_steps: BetweenSteps | None = None,
) -> NDArray[Any]:
    """One image per seed, (n, size, size) grey or (n, size, size, 3) RGB, as uint8; with a `start`, of its images in turn.

    `text` are the states of each one's text (n, tokens, width). With 16 `bits` grey as uint16, without a `start`.
    Raises ConfigError when the sampler does not fit the model.
    """
    guide = guidance if isinstance(guidance, Guidance) else Guidance(guidance)
    is_flow = net.config.objective == "flow"
    config, device = net.config, next(net.parameters()).device
    schedule = make_sampler(config, sampler)
    # The schedule stays on the CPU, and so do its decisions: a GPU is never waited for between two steps.
    schedule.set_timesteps(steps)
    times = schedule.timesteps.to(device)[:, None].expand(-1, len(seeds))
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    shape = (1, config.net_channels, config.net_size, config.net_size)
    # Noise is drawn on the CPU so that a seed means the same image on every device.
    noisy = torch.cat([torch.randn(shape, generator=generator) for generator in generators]).to(device)
    cond = torch.tensor(classes, device=device) if classes is not None else None
    conditions = torch.from_numpy(attributes).to(device) if attributes is not None else None
    states = torch.from_numpy(text).to(device) if text is not None else None
    with torch.inference_mode(), autocast(device, precision):
        editing = _editing(start, net, schedule, noisy)
        first = editing.first if editing else 0
        noisy = editing.noised(first) if editing else noisy
        if hasattr(schedule, "set_begin_index"):
            schedule.set_begin_index(first)
        for place in range(first, len(times)):
            # None of these schedules scales what the network is shown.
            scale, scales, text_scale = guide.scales_at(noise_level(schedule, place, is_flow=is_flow))
            predicted = net.guided(
                noisy,
                times[place],
                cond,
                scale,
                rescale=guide.rescale,
                attributes=conditions,
                attribute_scales=scales,
                text=states,
                text_scale=text_scale,
            )
            step = schedule.timesteps[place]
            noisy = schedule.step(predicted, step, noisy, generator=generators).prev_sample
            noisy = editing.with_surroundings(noisy, place + 1) if editing else noisy
            if between_steps is not None:
                between_steps()
        images = net.space.decode(noisy)
    if bits == 16:
        return sixteen_bit_images(images)
    pixels = eight_bit_images(images)
    return start.composed(pixels) if start else pixels


def _editing(start: Start | None, net: Denoiser, schedule: Any, noise: Tensor) -> Editing | None:
    if start is None:
        return None
    return Editing(start, net.space, schedule, noise, is_flow=net.config.objective == "flow")


def eight_bit_images(values: Tensor) -> NDArray[np.uint8]:
    """Values from -1 to 1 as grey levels, (n, size, size) or (n, size, size, 3)."""
    grey = (
        ((values.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    )
    return np.asarray(grey[..., 0] if grey.shape[-1] == 1 else grey)


def sixteen_bit_images(values: Tensor) -> NDArray[np.uint16]:
    """Grey values from -1 to 1 as levels from 0 to 65,535, (n, size, size)."""
    levels = ((values.double().clamp(-1, 1) + 1) * 32767.5).round()
    return levels[:, 0].cpu().numpy().astype(np.uint16)
