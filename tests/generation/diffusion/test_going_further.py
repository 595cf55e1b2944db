"""More steps after the last, and a start from another model's weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from generation.diffusion import checkpoint
from generation.diffusion.config import ImageClass, TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.run import train
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import CLASSES, TRANSFORMER, bright_squares, tiny_config

OTHER = ImageClass("xray", "effusion")


def test_steps_added_to_a_finished_run_end_with_the_very_weights_of_all_in_one_go(tmp_path: Path) -> None:
    longer = tiny_config(classes=CLASSES, augment=0.5, decay="constant", steps=5, checkpoint_every=100)
    images = bright_squares(longer)

    in_one_go = train(longer, images, tmp_path / "one")
    train(replace(longer, steps=3), images, tmp_path / "two")
    in_two = train(longer, images, tmp_path / "two")

    for file in (checkpoint.WEIGHTS, checkpoint.STATE):
        expected, actual = load_file(in_one_go / file), load_file(in_two / file)
        assert expected.keys() == actual.keys()
        assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_a_cosine_goes_on_at_the_rate_that_the_longer_run_has_at_that_step() -> None:
    short, longer = (tiny_config(steps=steps, warmup=0, learning_rate=1.0) for steps in (4, 8))
    trainer = Trainer(longer, bright_squares(longer))
    trainer.step = 4

    assert trainer.learning_rate() == pytest.approx(0.1 + 0.9 * 0.5)
    trainer.config = short
    assert trainer.learning_rate() == pytest.approx(0.1)


def prediction(trainer: Trainer, number: int | None) -> torch.Tensor:
    size = trainer.config.size
    noisy = torch.randn((1, 1, size, size), generator=torch.Generator().manual_seed(1))
    classes = None if number is None else torch.tensor([number])
    with torch.inference_mode():
        predicted: torch.Tensor = trainer.averaged(noisy, torch.tensor([300.0]), classes)
    return predicted


@pytest.mark.parametrize(
    ("network", "augment"),
    [
        ({}, (0.0, 0.0)),
        ({}, (0.5, 0.0)),
        ({}, (0.0, 0.5)),
        (TRANSFORMER, (0.0, 0.5)),
        (TRANSFORMER, (0.5, 0.5)),
    ],
)
def test_a_warm_start_predicts_as_its_parent_whatever_classes_each_knows(
    tmp_path: Path, network: dict[str, Any], augment: tuple[float, float]
) -> None:
    """A shared class as there, a new one and no classes at all as the parent when it is told none."""
    first = tiny_config(**network, classes=CLASSES, augment=augment[0])
    parent = Trainer(first, bright_squares(first))
    for _ in range(3):  # a transformer's token tells nothing before
        parent.train_step()
    folder = parent.save(tmp_path / "parent")

    def started(config: TrainingConfig) -> Trainer:
        trainer = Trainer(config, bright_squares(config))
        trainer.start_from(folder)
        return trainer

    other = started(tiny_config(**network, classes=(OTHER, CLASSES[1]), augment=augment[1]))
    without = started(tiny_config(**network, augment=augment[1]))

    assert not torch.equal(prediction(parent, 1), prediction(parent, 2))
    assert torch.equal(prediction(other, 1), prediction(parent, 1))
    assert torch.equal(prediction(other, 0), prediction(parent, 2))
    torch.testing.assert_close(prediction(without, None), prediction(parent, 2))
    assert not other.optimiser.state_dict()["state"]
    assert other.step == 0


def test_a_warm_start_in_latents_goes_on_in_the_parents_space(tmp_path: Path) -> None:
    config = tiny_config(latent="own", latent_widths=(8, 8), latent_steps=2, steps=1)
    images = bright_squares(config)

    parent = train(config, images, tmp_path / "parent")
    child = train(replace(config, seed=5, latent_steps=9), images, tmp_path / "child", parent=parent)

    before, after = (load_file(folder / checkpoint.WEIGHTS) for folder in (parent, child))
    own = [name for name in before if name.startswith("autoencoder.")]
    assert own
    assert all(torch.equal(before[name], after[name]) for name in own)
    assert checkpoint.facts_of(child)["autoencoder"] == checkpoint.facts_of(parent)["autoencoder"]
    assert not (tmp_path / "child/autoencoder-in-training").exists()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    wide = tiny_config(widths=(8, 24))
    folder = Trainer(wide, bright_squares(wide)).save(tmp_path / "wide")
    config = tiny_config()

    with pytest.raises(CheckpointError, match="another network"):
        Trainer(config, bright_squares(config)).start_from(folder)
