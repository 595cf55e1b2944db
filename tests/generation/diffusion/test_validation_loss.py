"""The loss on held-out images: of the averaged weights, by a network whose error is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from generation.diffusion.networks.latent_space import PixelSpace
from generation.diffusion.run import TrainingImages
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import CLASSES, bright_squares, tiny_config


def test_a_network_that_always_predicts_nothing_loses_the_mean_square_of_the_velocity() -> None:
    """Flow: the target is noise minus image, of expectation 1 + the mean square of the image."""
    config = tiny_config()
    trainer = Trainer(config, bright_squares(config))
    trainer.averaged.forward = lambda noisy, *_: torch.zeros_like(noisy)  # type: ignore[method-assign]
    held_out = TrainingImages(np.full((40, 16, 16), 191, dtype=np.uint8))

    loss = trainer.validation_loss(held_out)

    assert loss == pytest.approx(1 + (191 / 127.5 - 1) ** 2, rel=0.02)
    assert loss == trainer.validation_loss(held_out)


def test_it_is_of_the_averaged_weights_and_tells_them_each_images_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tiny_config(classes=CLASSES)
    trainer = Trainer(config, bright_squares(config))
    reports: list[Any] = []
    forward = trainer.averaged.forward

    def noting(noisy: Any, time: Any, classes: Any, *rest: Any) -> Any:
        reports.append(classes.tolist())
        return forward(noisy, time, classes, *rest)

    monkeypatch.setattr(trainer.averaged, "forward", noting)
    held_out = TrainingImages(bright_squares(config, count=3).pixels, np.array([1, 2, 0]))

    before = trainer.validation_loss(held_out)
    with torch.no_grad():
        for weight in trainer.net.parameters():
            weight.zero_()

    assert trainer.validation_loss(held_out) == before
    assert reports == [[1, 2, 0]] * 16


def test_images_come_back_from_a_models_own_latents_and_from_no_others() -> None:
    """Here the space gives back what it was given, so that an image comes back as it was."""
    config = tiny_config(latent="own", latent_widths=(8, 8), size=32)
    images = bright_squares(config)
    trainer = Trainer(config, images, space=PixelSpace())
    in_pixels = tiny_config()

    decoded = trainer.round_trip(images.pixels[:3])

    assert decoded is not None
    assert np.array_equal(decoded, images.pixels[:3])
    assert Trainer(in_pixels, bright_squares(in_pixels)).round_trip(images.pixels[:3]) is None
