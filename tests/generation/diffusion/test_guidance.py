"""Guidance in an interval of noise, and rescaled, by their formulae."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch

from generation.diffusion.config import ConfigError
from generation.diffusion.networks.network import Denoiser
from generation.diffusion.sampling.guidance import Guidance
from generation.diffusion.sampling.sampler import sample
from tests.generation.oracle import SIZE, OneImage, config_of
from tests.generation.tiny import CLASSES, tiny_config


@pytest.mark.parametrize("rescale", [0.0, 0.7, 1.0])
def test_rescaled_guidance_is_the_mixture_of_lin_et_al(rescale: float, *_: Any) -> None:
    """Predicts one pattern with a class and another without, so that the answer is known."""
    net = Denoiser(tiny_config(classes=CLASSES))
    cond, uncond = (
        torch.randn((2, 1, 1, 16, 16), generator=torch.Generator().manual_seed(1)).double().unbind()
    )
    net.compiled = lambda _noisy, _time, classes: torch.cat(
        [uncond if number == net.config.null_class else cond for number in classes]
    )

    guided = net.guided(torch.zeros(1, 1, 16, 16), torch.zeros(1), torch.tensor([0]), 3.0, rescale=rescale)

    plain = uncond + 3 * (cond - uncond)
    expected = rescale * plain * (cond.std() / plain.std()) + (1 - rescale) * plain
    torch.testing.assert_close(guided, expected)
    if rescale == 1:
        assert float(guided.std()) == pytest.approx(float(cond.std()))


@pytest.mark.parametrize(
    ("objective", "sampler"),
    [
        ("flow", "flow-euler"),
        ("flow", "flow-heun"),
        ("v_prediction", "ddim"),
        ("v_prediction", "ddpm"),
        ("epsilon", "dpm-solver++"),
    ],
)
def test_there_is_guidance_just_where_the_noise_lies_in_the_interval(
    objective: str, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = OneImage(
        config_of(
            {
                "objective": objective,
                "latent": "",
                "schedule": "cosine",
                "zero_terminal_snr": False,
                "min_snr_gamma": 0.0,
            }
        ),
        torch.zeros(1, 1, SIZE, SIZE),
    )
    levels: dict[float, float] = {}

    def guided(
        noisy: torch.Tensor, times: torch.Tensor, _cond: Any, scale: float, *, rescale: float, **_: Any
    ) -> torch.Tensor:
        signal, noise = (float(part) for part in oracle.shares(times[:1]))
        levels[noise / (signal + noise)] = scale
        assert rescale == 0.5
        predicted: torch.Tensor = oracle(noisy, times)
        return predicted

    monkeypatch.setattr(oracle, "guided", guided)
    sample(cast("Denoiser", oracle), [1], sampler=sampler, steps=20, guidance=Guidance(4.0, 0.25, 0.6, 0.5))

    assert len(levels) == 20
    assert {level for level, scale in levels.items() if scale == 4.0} == {
        x for x in levels if 0.25 <= x <= 0.6
    }
    assert set(levels.values()) == {1.0, 4.0}


@pytest.mark.parametrize("wrong", [(4.0, 0.6, 0.3), (4.0, -0.1), (4.0, 0.0, 1.1), (4.0, 0.0, 1.0, 1.5)])
def test_an_interval_that_is_none_is_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError):
        Guidance(*wrong)  # type: ignore[arg-type]  # numbers all of them
