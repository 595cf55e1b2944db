"""An average whose length is chosen after training is the one that training with this length would have kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.integrate import quad

from generation.diffusion import checkpoint
from generation.diffusion.errors import CheckpointError
from generation.diffusion.power_averages import (
    LENGTHS,
    PowerAverages,
    combination,
    decay,
    exponent,
    inner_products,
    reconstruct,
)
from generation.diffusion.run import Progress, train
from generation.diffusion.trainer import Trainer
from tests.generation.diffusion.test_averaged_weights import weights_of
from tests.generation.tiny import bright_squares, tiny_config


@pytest.mark.parametrize("length", [0.01, 0.05, 0.1, 0.25])
def test_a_profile_is_as_wide_as_its_length(length: float) -> None:
    gamma = exponent(length)

    def moment(power: int) -> float:
        return float(quad(lambda time: (gamma + 1) * time ** (gamma + power), 0, 1)[0])

    assert math.sqrt(moment(2) - moment(1) ** 2) == pytest.approx(length, rel=1e-6)


@pytest.mark.parametrize(("step", "other"), [(3.0, 7.0), (7.0, 3.0), (5.0, 5.0)])
def test_the_inner_product_of_two_profiles_is_their_integral(step: float, other: float) -> None:
    gamma, other_gamma = exponent(0.05), exponent(0.1)

    def product(time: float) -> Any:
        first = (gamma + 1) * time**gamma / step ** (gamma + 1)
        return first * (other_gamma + 1) * time**other_gamma / other ** (other_gamma + 1)

    integral = quad(product, 0, min(step, other))[0]

    closed = inner_products(*map(np.array, ([step], [gamma], [other], [other_gamma])))
    assert closed[0] == pytest.approx(integral, rel=1e-9)


def test_a_kept_profile_is_made_of_itself_alone() -> None:
    steps = np.repeat([100.0, 200.0, 300.0], 2)
    gammas = np.tile([exponent(length) for length in LENGTHS], 3)

    shares, error = combination(steps, gammas, 300, exponent(LENGTHS[1]))

    np.testing.assert_allclose(shares, [0, 0, 0, 0, 0, 1], atol=1e-9)
    assert error < 1e-6


def path_of_weights(steps: int) -> torch.Tensor:
    """(steps, 40): a way towards an aim that slows down, with the noise of small batches."""
    generator = torch.Generator().manual_seed(0)
    aim = torch.randn(40, generator=generator, dtype=torch.float64)
    noise = torch.randn(steps, 40, generator=generator, dtype=torch.float64)
    time = torch.arange(1, steps + 1, dtype=torch.float64)[:, None] / steps
    return aim * (1 - torch.exp(-4 * time)) + 0.1 * noise


def directly_averaged(path: torch.Tensor, length: float) -> torch.Tensor:
    average, gamma = torch.zeros_like(path[0]), exponent(length)
    for step, weights in enumerate(path, start=1):
        average = average.lerp(weights, 1 - decay(step, gamma))
    return average


def keep_averages(path: torch.Tensor, run: Path, *, every: int) -> None:
    averages = PowerAverages({"weight": path[0]})
    for step, weights in enumerate(path, start=1):
        averages.follow([weights], step)
        if step % every == 0:
            averages.write(run, step)


@pytest.mark.parametrize("length", [0.05, 0.07, 0.1, 0.15, 0.2])
def test_the_average_put_together_is_the_one_kept_directly(length: float, tmp_path: Path) -> None:
    path = path_of_weights(2000)
    keep_averages(path, tmp_path, every=100)

    average = reconstruct(tmp_path, length, 2000)

    direct = directly_averaged(path, length)
    relative = (average.weights["weight"] - direct).norm() / direct.norm()
    assert average.files == 20
    assert average.error < 0.02
    assert relative < 2e-3


@pytest.mark.parametrize("length", [0.01, 0.015, 0.02])
def test_the_error_of_a_short_length_holds_what_half_precision_took(length: float, tmp_path: Path) -> None:
    path = path_of_weights(4000)
    keep_averages(path, tmp_path, every=20)

    average = reconstruct(tmp_path, length, 4000)

    direct = directly_averaged(path, length)
    relative = float((average.weights["weight"] - direct).norm() / direct.norm())
    assert relative < average.error < 2 * relative


def test_a_kept_average_is_its_closed_form(tmp_path: Path) -> None:
    """Each step's weights count their share of what all later steps leave of it."""
    steps = 7
    config = tiny_config(post_hoc_ema=True, learning_rate=1e-2, steps=steps)
    trainer = Trainer(config, bright_squares(config))
    history = []
    for _ in range(steps):
        trainer.train_step()
        history.append(weights_of(trainer.net))

    average = reconstruct(_written(trainer, tmp_path), LENGTHS[0], steps)

    decays = [decay(step, exponent(LENGTHS[0])) for step in range(1, steps + 1)]
    shares = [(1 - decays[k]) * math.prod(decays[k + 1 :]) for k in range(steps)]
    assert sum(shares) == pytest.approx(1)
    for name, weight in average.weights.items():
        expected = sum(share * weights[name] for share, weights in zip(shares, history, strict=True))
        torch.testing.assert_close(weight.double(), expected, rtol=1e-3, atol=1e-4)


def _written(trainer: Trainer, run: Path) -> Path:
    trainer.keep_averages(run)
    return run


def test_keeping_averages_changes_nothing_else_and_a_break_changes_no_average(tmp_path: Path) -> None:
    config = tiny_config()
    images = bright_squares(config)
    with_averages = tiny_config(post_hoc_ema=True)

    def cut_off(progress: Progress) -> None:
        if progress.step == 5:
            raise InterruptedError

    plain = train(config, images, tmp_path / "plain")
    unbroken = train(with_averages, images, tmp_path / "unbroken")
    with pytest.raises(InterruptedError):
        train(with_averages, images, tmp_path / "broken", on_progress=cut_off)
    broken = train(with_averages, images, tmp_path / "broken")

    for file in (checkpoint.WEIGHTS, checkpoint.STATE):
        first, second, third = (load_file(folder / file) for folder in (plain, unbroken, broken))
        assert second.keys() == third.keys()
        assert all(torch.equal(second[name], third[name]) for name in second)
        assert all(torch.equal(first[name], second[name]) for name in first)
    assert not (tmp_path / "plain" / "averages").exists()
    assert [path.name for path in sorted((tmp_path / "broken" / "averages").iterdir())] == [
        "00000003.safetensors",
        "00000006.safetensors",
    ]


@pytest.mark.parametrize("value", [math.nan, 1e6])  # the second is infinite in half precision
def test_averages_that_are_no_finite_numbers_are_refused(value: float, tmp_path: Path) -> None:
    averages = PowerAverages({"weight": torch.tensor([1.0, value])})
    averages.write(tmp_path, 1)

    with pytest.raises(CheckpointError, match=r"00000001\.safetensors hold values that are no finite number"):
        reconstruct(tmp_path, 0.05, 1)


def test_what_cannot_be_put_together_is_refused_with_what_to_do(tmp_path: Path) -> None:
    config = tiny_config(post_hoc_ema=True)
    trainer = Trainer(config, bright_squares(config))
    trainer.train_step()

    with pytest.raises(CheckpointError, match="post_hoc_ema = true"):
        reconstruct(tmp_path, 0.08, 1)
    trainer.keep_averages(tmp_path)
    with pytest.raises(CheckpointError, match=r"from 0\.01 to 0\.25"):
        reconstruct(tmp_path, 0.3, 1)
    with pytest.raises(CheckpointError, match="nearer to those kept"):
        reconstruct(tmp_path, 0.25, 1)
