"""The shift of flow's times for the size of an image: equation 23 of Esser et al. 2024, in closed form."""

from __future__ import annotations

import pytest
import torch
from scipy.special import logit
from scipy.stats import kstest

from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.objectives import Flow, make_sampler


def config_of(**changes: object) -> TrainingConfig:
    return TrainingConfig.from_mapping({"widths": (8,), "head_dim": 8, "patch": 1, **changes})


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
def test_the_times_are_those_of_the_paper_with_the_ratio_of_noise_multiplied(shift: float) -> None:
    times = Flow(config_of(time_shift=shift)).times(20_000, torch.Generator().manual_seed(1)).double().numpy()

    unshifted = times / (shift - (shift - 1) * times)  # t_m = s·t_n / (1 + (s - 1)·t_n), solved for t_n
    assert kstest(logit(unshifted), "norm").pvalue > 0.001


def test_unshifted_times_are_the_very_ones_of_before() -> None:
    drawn = torch.randn(8, generator=torch.Generator().manual_seed(1)).sigmoid()

    assert torch.equal(Flow(config_of()).times(8, torch.Generator().manual_seed(1)), drawn)


@pytest.mark.parametrize(
    ("settings", "shift"),
    [
        ({"size": 64}, 1.0),
        ({"size": 256}, 4.0),  # Hoogeboom et al. 2023: a side four times theirs
        ({"size": 256, "latent": "own", "latent_widths": (8, 8, 8, 8)}, 1.0),  # latents of 32²
        ({"size": 1024, "latent": "own", "latent_widths": (8, 8, 8, 8)}, 4.0),  # √(1024² / 256²)
    ],
)
def test_by_size_the_shift_is_the_ratio_of_sides(settings: dict[str, object], shift: float) -> None:
    assert config_of(time_shift=0, **settings).shift == shift


@pytest.mark.parametrize("sampler", ["flow-euler", "flow-heun"])
def test_samplers_begin_in_pure_noise_and_go_through_shifted_times(sampler: str) -> None:
    schedule, plain = (make_sampler(config_of(time_shift=shift), sampler) for shift in (3.0, 1.0))
    for each in (schedule, plain):
        each.set_timesteps(1000)

    middle, unshifted = float(schedule.sigmas[500]), float(plain.sigmas[500])
    assert float(schedule.sigmas[0]) == 1
    assert middle / (1 - middle) == pytest.approx(3 * unshifted / (1 - unshifted), rel=0.02)


def test_noise_by_a_schedule_is_not_shifted() -> None:
    with pytest.raises(ConfigError, match="time_shift belongs to flow"):
        config_of(objective="epsilon", time_shift=3.0)
