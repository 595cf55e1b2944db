"""What a model is told beside the class: hidden, guided each by itself, and of no effect where it is not told.

`bench/attributes.py` measures it back from samples of a trained model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.attributes import DENSITY, SIDE, phantoms
from generation.diffusion.attributes import codes
from generation.diffusion.config import ConfigError
from generation.diffusion.networks.network import Denoiser
from generation.diffusion.run import TrainingImages
from generation.diffusion.sampling.sampler import sample
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import CLASSES, bright_squares, tiny_config

NAN = float("nan")


def learned(*, steps: int, dropouts: tuple[float, float]) -> Trainer:
    attributes = tuple(
        replace(own, dropout=dropout) for own, dropout in zip((SIDE, DENSITY), dropouts, strict=True)
    )
    config = tiny_config(attributes=attributes, steps=steps)
    trainer = Trainer(config, phantoms(config, count=20))
    for _ in range(steps):
        trainer.train_step()
    return trainer


def samples(trainer: Trainer, side: float, density: float) -> NDArray[np.uint8]:
    conditions = np.array([[side, density]] * 3, dtype=np.float32)
    return sample(trainer.averaged, range(3), attributes=conditions, steps=3)


def test_what_is_never_told_changes_no_pixel() -> None:
    trainer = learned(steps=5, dropouts=(1.0, 0.0))

    assert np.array_equal(samples(trainer, 0.0, 0.5), samples(trainer, 1.0, 0.5))
    assert not np.array_equal(samples(trainer, 0.0, 0.1), samples(trainer, 0.0, 0.9))


def test_each_attribute_is_hidden_as_often_as_its_own_dropout_says() -> None:
    config = tiny_config(attributes=(replace(SIDE, dropout=0.2), replace(DENSITY, dropout=0.7)), batch=2000)
    trainer = Trainer(config, phantoms(config))

    draw = trainer.draw(torch.Generator().manual_seed(0), np.zeros(2000, dtype=np.int64))

    assert draw.hidden_attributes is not None
    assert draw.hidden_attributes.double().mean(dim=0).tolist() == pytest.approx([0.2, 0.7], abs=0.03)


def test_what_is_not_told_adds_nothing() -> None:
    config = tiny_config(attributes=(SIDE, DENSITY))
    net = Denoiser(config)
    for weight in net.told.parameters():
        torch.nn.init.normal_(weight)
    noisy, times = torch.randn(2, 1, 16, 16), torch.tensor([3.0, 700.0])

    nothing = torch.full((2, 2), NAN)

    assert torch.equal(net(noisy, times, None, None, nothing), net(noisy, times, None))
    assert not torch.equal(
        net(noisy, times, None, None, torch.tensor([[1.0, NAN]] * 2)), net(noisy, times, None)
    )


def test_guidance_adds_for_each_thing_told_the_difference_that_it_alone_makes() -> None:
    """The network answers 10 for the class, 1 for a side, the density, and 100 for all together."""
    net = Denoiser(tiny_config(classes=CLASSES, attributes=(SIDE, DENSITY)))

    def answers(
        noisy: torch.Tensor, _time: object, classes: torch.Tensor, _changes: object, told: torch.Tensor
    ) -> torch.Tensor:
        of_class = 10.0 * (classes != net.config.null_class)
        of_all = 100.0 * ((of_class > 0) & ~told.isnan().any(dim=1))
        value = of_class + (~told[:, 0].isnan()).double() + told[:, 1].nan_to_num(0.0) + of_all
        return value.view(-1, 1, 1, 1).expand_as(noisy)

    net.compiled = answers
    noisy, told = torch.zeros(1, 1, 16, 16), torch.tensor([[1.0, 0.25]])

    def guided(of_class: float, *scales: float) -> float:
        predicted = net.guided(
            noisy, torch.zeros(1), torch.tensor([0]), of_class, attributes=told, attribute_scales=scales
        )
        return float(predicted.mean())

    together = 10 + 1 + 0.25 + 100
    assert guided(1.0) == pytest.approx(together)
    assert guided(3.0) == pytest.approx(together + 2 * 10)
    assert guided(3.0, 4.0, 0.5) == pytest.approx(together + 2 * 10 + 3 * 1 - 0.5 * 0.25)
    assert guided(1.0, 1.0, 5.0) == pytest.approx(together + 4 * 0.25)


@pytest.mark.parametrize(
    "values", [{"side": "up"}, {"density": "300"}, {"density": "dense"}, {"sex": "F"}, {"density": "nan"}]
)
def test_what_the_model_does_not_know_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        codes((SIDE, DENSITY), values)


def test_a_model_of_attributes_needs_those_of_its_images_and_another_none() -> None:
    config = tiny_config(attributes=(SIDE,))
    images = bright_squares(config)

    with pytest.raises(ConfigError, match="needs those of each image"):
        Trainer(config, images)
    with pytest.raises(ConfigError, match="another needs none"):
        Trainer(tiny_config(), TrainingImages(images.pixels, attributes=np.zeros((10, 1), dtype=np.float32)))
