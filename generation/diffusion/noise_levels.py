"""How much of the image and how much noise there is before each step of a schedule of diffusers."""

from __future__ import annotations

from typing import Any


def signal_and_share(schedule: Any, place: int, *, is_flow: bool) -> tuple[float, float]:
    """What the image and the noise are multiplied with before the step at this place; after the last, all is image."""
    if place >= len(schedule.timesteps):
        return 1.0, 0.0
    if is_flow:
        share = float(schedule.sigmas[place])
        return 1.0 - share, share
    if hasattr(schedule, "sigmas"):
        sigma = float(schedule.sigmas[place])
        signal = 1 / (1 + sigma**2) ** 0.5
        return signal, sigma * signal
    alpha = float(schedule.alphas_cumprod[int(schedule.timesteps[place])])
    return alpha**0.5, (1 - alpha) ** 0.5


def noise_level(schedule: Any, place: int, *, is_flow: bool) -> float:
    """The noise's part of both, from 0 to 1: σ / (1 + σ), which for flow is its time."""
    signal, share = signal_and_share(schedule, place, is_flow=is_flow)
    return share / (signal + share)
