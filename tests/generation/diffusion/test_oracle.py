"""A network that returns the exact target gives the data back, whatever the form lets people combine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from generation.diffusion.config import SAMPLERS, ConfigError, TrainingConfig
from generation.diffusion.objectives import Diffusion, make_sampler
from tests.generation.oracle import SIZE, OneImage, Oracle, PlainImages, config_of, drawn, every_choice

# Brightness of the plain images, in pixels' range and in that of latents of deviation 1.
MEAN, DEVIATION = -0.2, 0.25
IMAGES = 32


def is_refused(choice: dict[str, Any]) -> bool:
    """What the docs say cannot be: these are the only combinations that are refused."""
    objective = choice["objective"]
    return bool(
        (choice["zero_terminal_snr"] and objective != "v_prediction")
        or (choice["min_snr_gamma"] and objective == "flow")
        or (choice["time_shift"] != 1 and objective != "flow")
    )


CONFIGS = [config_of(choice) for choice in every_choice() if not is_refused(choice)]
TABLE = [(config, sampler) for config in CONFIGS for sampler in config.samplers]


def named(value: object) -> str:
    if not isinstance(value, TrainingConfig):
        return str(value)
    space = "latents" if value.latent else "pixels"
    snr = "-zero-snr" if value.zero_terminal_snr else ""
    shift = f"-shift{value.time_shift:g}" if value.time_shift != 1 else ""
    return f"{value.objective}-{space}-{value.schedule}{snr}{shift}-gamma{value.min_snr_gamma:g}"


@pytest.mark.parametrize("choice", [choice for choice in every_choice() if is_refused(choice)], ids=str)
def test_a_combination_that_cannot_be_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        config_of(choice)


def test_a_sampler_that_cannot_draw_from_a_model_is_refused_and_every_other_is_in_the_table() -> None:
    every = {(config, sampler) for config in CONFIGS for sampler in SAMPLERS[config.objective]}
    missing = every - set(TABLE)

    assert {named(config).rpartition("-")[0] for config, _ in missing} == {"epsilon-latents-cosine"}
    for config, sampler in missing:
        with pytest.raises(ConfigError, match="does not fit this model"):
            make_sampler(config, sampler)


@pytest.fixture
def image() -> torch.Tensor:
    """Black, white and grey at once."""
    pixels = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE))
    return torch.from_numpy(pixels).view(1, 1, SIZE, SIZE).float() / 127.5 - 1


@pytest.mark.parametrize("config", CONFIGS, ids=named)
def test_the_exact_target_costs_nothing_in_training_and_every_time_a_wrong_one_costs_something(
    config: TrainingConfig, image: torch.Tensor
) -> None:
    oracle = OneImage(config, image)
    generator = torch.Generator().manual_seed(0)
    objective = oracle.objective
    last = config.train_timesteps - 1
    times = objective.times(64, generator) if config.objective == "flow" else torch.arange(0, last + 1, 37)
    clean = oracle.encoded.float().expand(len(times), -1, -1, -1)
    noise = torch.randn(clean.shape, generator=generator)

    exact = objective.loss(oracle, clean, noise, times)

    assert float(exact) < 1e-6
    if isinstance(objective, Diffusion) and objective.weights is not None:
        assert float(objective.weights[-1]) == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(("config", "sampler"), TABLE, ids=named)
def test_the_oracle_of_one_image_gives_it_back(
    config: TrainingConfig, sampler: str, image: torch.Tensor
) -> None:
    images = drawn(OneImage(config, image), [1, 2], sampler=sampler, steps=10)

    expected = ((image[0, 0] + 1) * 127.5).round().numpy()
    assert np.abs(images.astype(int) - expected).max() <= 1


def brightness(oracle: Oracle, sampler: str, *, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each image drawn, and what the noise it began with says it has to be, both as deviations from the mean.

    The exact solution of a plain image's brightness: its noise's, scaled.
    """
    config = oracle.config
    shape = (1, config.net_channels, config.net_size, config.net_size)
    noise = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in range(IMAGES)]
    watched = Watched()
    oracle.space = watched
    drawn(oracle, range(IMAGES), sampler=sampler, steps=steps)
    begun = [float(values.mean()) * values.numel() ** 0.5 for values in noise]
    return (watched.values.mean(dim=(1, 2, 3)).numpy() - MEAN) / DEVIATION, np.array(begun)


class Watched:
    """Notes the values before they become pixels."""

    values: torch.Tensor

    def decode(self, values: torch.Tensor) -> torch.Tensor:
        self.values = values
        return values[:, :1]


@pytest.mark.parametrize(("config", "sampler"), TABLE, ids=named)
def test_the_oracle_of_many_images_gives_their_spread_back(config: TrainingConfig, sampler: str) -> None:
    oracle = PlainImages(config, mean=MEAN, deviation=DEVIATION)

    bright, exact = brightness(oracle, sampler, steps=60)

    if sampler == "ddpm":  # which adds noise of its own at every step, so that only the distribution is known
        assert abs(bright.mean()) < 0.5
        assert 0.7 < bright.std() < 1.3
    else:
        assert np.abs(bright - exact).max() < 0.12


@pytest.mark.parametrize(("config", "sampler"), TABLE, ids=named)
def test_a_small_error_of_the_network_does_not_widen_the_images_spread(
    config: TrainingConfig, sampler: str
) -> None:
    exact, wrong = (
        PlainImages(config, mean=MEAN, deviation=DEVIATION, error=error) for error in (0.0, 0.002)
    )

    spread, expected = (brightness(oracle, sampler, steps=20)[0].std() for oracle in (wrong, exact))

    assert spread == pytest.approx(expected, rel=0.2)
