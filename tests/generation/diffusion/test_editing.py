"""Images that start from others, through networks that know the answer."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.networks.network import Denoiser
from generation.diffusion.objectives import make_sampler
from generation.diffusion.sampling.editing import Start
from generation.diffusion.sampling.region import region_of, region_of_mask
from generation.diffusion.sampling.sampler import sample
from tests.generation.oracle import SIZE, OneImage, Oracle, PlainImages, config_of

EACH = [
    (objective, sampler, latent)
    for objective, samplers in (
        ("flow", ("flow-euler", "flow-heun")),
        ("v_prediction", ("ddim", "ddpm", "dpm-solver++")),
    )
    for sampler in samplers
    for latent in ("", "own")
]
REGION = region_of("ellipse 0.25 0.25 0.5 0.5", SIZE)


def config_for(objective: str, latent: str) -> TrainingConfig:
    return config_of({"objective": objective, "latent": latent})


def image(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE), dtype=np.uint8)


def values(pixels: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(pixels).view(1, 1, SIZE, SIZE) / 127.5 - 1


def edited(oracle: Oracle, sampler: str, start: Start, *, steps: int = 10) -> NDArray[np.uint8]:
    return sample(
        cast("Denoiser", oracle), range(len(start.images)), sampler=sampler, steps=steps, start=start
    )


@pytest.mark.parametrize(("objective", "sampler", "latent"), EACH)
@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_outside_the_region_every_pixel_is_the_sources_and_inside_the_oracles(
    objective: str, sampler: str, latent: str, strength: float
) -> None:
    answer, sources = image(1), np.stack([image(2), image(3)])
    oracle = OneImage(config_for(objective, latent), values(answer))

    images = edited(oracle, sampler, Start(sources, strength, REGION))

    assert np.array_equal(images[:, ~REGION], sources[:, ~REGION])
    assert np.abs(images[:, REGION].astype(int) - answer[REGION]).max() <= 1


@pytest.mark.parametrize(("objective", "sampler", "latent"), EACH)
def test_before_every_step_the_surroundings_are_the_source_with_that_steps_noise(
    objective: str, sampler: str, latent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network meets outside the region what training would have shown it of the source."""
    oracle = OneImage(config_for(objective, latent), values(image(1)))
    source = oracle.space.encode(values(image(2)))
    outside = ~torch.nn.functional.adaptive_max_pool2d(
        torch.from_numpy(REGION)[None, None].float(), source.shape[-1]
    ).bool()
    noise = torch.randn(source.shape, generator=torch.Generator().manual_seed(0))
    differences: list[float] = []

    def guided(noisy: torch.Tensor, times: torch.Tensor, *_: Any, **_options: Any) -> torch.Tensor:
        signal, share = (part.float() for part in oracle.shares(times))
        expected = signal * source + share * noise
        differences.append(float((noisy - expected)[outside.expand_as(noisy)].abs().max()))
        predicted: torch.Tensor = oracle(noisy, times)
        return predicted

    monkeypatch.setattr(oracle, "guided", guided)
    edited(oracle, sampler, Start(image(2)[None], 1.0, REGION))

    assert max(differences) < 0.02


@pytest.mark.parametrize(
    ("objective", "sampler"), [(o, s) for o, s, latent in EACH if s != "ddpm" and not latent]
)
def test_image_to_image_ends_where_the_exact_solution_from_that_noise_does(
    objective: str, sampler: str
) -> None:
    """Of plain images with a normal brightness: its deviation from the mean, by the spread at that noise, stays."""
    config, mean, deviation, grey = config_for(objective, ""), 0.1, 0.2, 200
    oracle = PlainImages(config, mean=mean, deviation=deviation)
    schedule = make_sampler(config, sampler)
    schedule.set_timesteps(60)
    first = 48 if sampler == "flow-heun" else 24  # at a strength of 0.6
    signal, share = (float(part) for part in oracle.shares(schedule.timesteps[first][None]))
    noise = float(torch.randn((1, 1, SIZE, SIZE), generator=torch.Generator().manual_seed(0)).mean())
    begun = signal * (grey / 127.5 - 1) + share * noise
    exact = (
        mean + deviation * (begun - signal * mean) / (signal**2 * deviation**2 + share**2 / SIZE**2) ** 0.5
    )

    images = edited(oracle, sampler, Start(np.full((1, SIZE, SIZE), grey, dtype=np.uint8), 0.6), steps=60)

    assert images.mean() / 127.5 - 1 == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize(("strength", "calls"), [(1.0, 10), (0.5, 5), (0.01, 1)])
def test_strength_is_the_share_of_the_steps_that_is_taken(
    strength: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle, number = OneImage(config_for("flow", ""), values(image(1))), 0
    guided = oracle.guided

    def counted(*words: Any, **options: Any) -> torch.Tensor:
        nonlocal number
        number += 1
        return guided(*words, **options)

    monkeypatch.setattr(oracle, "guided", counted)
    edited(oracle, "flow-euler", Start(image(2)[None], strength))

    assert number == calls


def test_a_box_an_ellipse_and_a_mask_hold_the_pixels_of_their_definitions() -> None:
    box = region_of("box 0.25 0 0.5 0.25", 8)
    ellipse = region_of("ellipse 0 0 1 1", 200)

    assert np.argwhere(box).tolist() == [[row, column] for row in (0, 1) for column in (2, 3, 4, 5)]
    assert ellipse.mean() == pytest.approx(np.pi / 4, abs=0.001)
    assert region_of_mask(np.array([[0, 127, 128, 255]], dtype=np.uint8)).tolist() == [
        [False, False, True, True]
    ]


@pytest.mark.parametrize(
    "words", ["", "circle 0 0 1 1", "box 0 0 1", "box 0 0 1 x", "box 0 0 0 1", "box 0 0 nan 1", "box 2 2 1 1"]
)
def test_a_region_that_is_none_is_refused_with_a_sentence(words: str) -> None:
    with pytest.raises(ConfigError, match=r"A region is|holds no pixel"):
        region_of(words, 16)
