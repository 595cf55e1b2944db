"""What every training shares: guidance, clipping and the learning rate, each by its definition."""

from __future__ import annotations

import math

import pytest
import torch

from generation.diffusion.networks.network import Denoiser
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import CLASSES, bright_squares, tiny_config


def test_guidance_goes_from_the_unconditional_prediction_past_the_conditional_one() -> None:
    net = Denoiser(tiny_config(classes=CLASSES))
    # Predicts the class's number; the last one stands for no class.
    net.compiled = lambda noisy, _time, classes: classes.float().view(-1, 1, 1, 1).expand_as(noisy)
    noisy, times, classes = torch.zeros(2, 1, 16, 16), torch.zeros(2), torch.tensor([0, 1])
    null = float(net.config.null_class)

    by_guidance = {scale: net.guided(noisy, times, classes, scale)[:, 0, 0, 0] for scale in (0.0, 1.0, 3.0)}

    assert by_guidance[0.0].tolist() == [null, null]
    assert by_guidance[1.0].tolist() == [0.0, 1.0]
    assert by_guidance[3.0].tolist() == [null + 3 * (0 - null), null + 3 * (1 - null)]


@pytest.mark.parametrize(
    ("length", "limit", "expected"), [(10.0, 1.0, 1.0), (0.5, 1.0, 0.5), (10.0, 4.0, 4.0)]
)
def test_gradients_longer_than_the_limit_together_are_made_so_long(
    length: float, limit: float, expected: float
) -> None:
    trainer = Trainer(tiny_config(clip_gradient=limit), bright_squares(tiny_config()))
    count = sum(weight.numel() for weight in trainer.weights)
    for weight in trainer.weights:
        weight.grad = torch.full_like(weight, length / math.sqrt(count))

    trainer._clip()

    cut = torch.cat([weight.grad.flatten() for weight in trainer.weights if weight.grad is not None])
    assert float(cut.double().norm()) == pytest.approx(expected, rel=1e-4)


def test_the_learning_rate_warms_up_and_falls_to_a_tenth_by_a_cosine_halved_by_each_going_back() -> None:
    config = tiny_config(learning_rate=0.1, warmup=4, steps=100)
    trainer = Trainer(config, bright_squares(config))

    def rate(step: int, turn: int = 0) -> float:
        trainer.step, trainer.turn = step, turn
        return trainer.learning_rate()

    assert rate(0) == pytest.approx(0.1 / 4)
    assert rate(50) == pytest.approx(0.1 * (0.1 + 0.9 / 2))
    assert rate(100) == pytest.approx(0.1 * 0.1)
    assert rate(50, turn=2) == pytest.approx(rate(50) / 4)
