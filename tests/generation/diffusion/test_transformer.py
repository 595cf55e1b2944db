"""A transformer in the place of the UNet: told the same, by draws of our own alone, and back bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from bench.attributes import DENSITY, SIDE, phantoms
from generation.diffusion import checkpoint
from generation.diffusion.attributes import CHANGES
from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.exporting.arguments import condition_columns
from generation.diffusion.networks.conditions import condition_features
from generation.diffusion.networks.network import build
from generation.diffusion.presets import PRESETS
from generation.diffusion.progress import Progress
from generation.diffusion.run import train
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import CLASSES, TRANSFORMER, bright_squares, tiny_config

NAN = float("nan")


class PowerCutError(Exception):
    pass


def told_everything(**changes: Any) -> TrainingConfig:
    return tiny_config(
        **TRANSFORMER,
        classes=CLASSES,
        augment=0.5,
        attributes=(SIDE, replace(DENSITY, dropout=1.0)),
        **changes,
    )


def test_every_number_of_the_token_stands_under_its_name() -> None:
    config = told_everything()
    changes = torch.arange(1.0, 1 + CHANGES)[None]

    token = condition_features(
        config, torch.zeros(1, 1, 16, 16), torch.tensor([1]), changes, torch.tensor([[1.0, 0.25]])
    )
    nothing = condition_features(config, torch.zeros(1, 1, 16, 16), None, None, torch.full((1, 2), NAN))

    names = condition_columns(config)
    values = dict(zip(names, token[0].tolist(), strict=True))
    assert [values[column] for column in names if column[0] == "class"] == [0, 1, 0]
    assert [values[column] for column in names if column[0] == "change"] == [1, 2, 3, 4, 5, 6, 7]
    assert [values["attribute", "side", value] for value in SIDE.values] == [0, 1]
    assert values["attribute", "density", "itself"] == 0.25
    assert values["attribute", "density", "wave 0"] == pytest.approx(0.5**0.5)
    assert [name for name, value in zip(names, nothing[0], strict=True) if value] == [("class", "none")]


def test_nothing_random_happens_inside_the_network() -> None:
    config = told_everything()
    net = build(config, seed=1).train()
    noisy, times = torch.randn(4, 1, 16, 16), torch.rand(4) * 1000
    torch.nn.init.normal_(net.transformer.proj_out.weight)
    before = torch.get_rng_state()

    one, two = (net(noisy, times, torch.tensor([0, 1, 2, 0])) for _ in range(2))

    assert torch.equal(one, two)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_never_told_changes_nothing_and_what_is_told_something() -> None:
    config = told_everything(steps=6)
    images = phantoms(config, count=20)
    trainer = Trainer(config, replace(images, classes=torch.arange(20).numpy() % 2))
    for _ in range(6):
        trainer.train_step()
    noisy, times = torch.randn(1, 1, 16, 16), torch.tensor([500.0])

    def predicted(number: int, side: float, density: float) -> torch.Tensor:
        told = torch.tensor([[side, density]])
        return torch.as_tensor(trainer.averaged(noisy, times, torch.tensor([number]), None, told))

    assert torch.equal(predicted(0, 0.0, 0.1), predicted(0, 0.0, 0.9))
    assert not torch.equal(predicted(0, 0.0, 0.1), predicted(0, 1.0, 0.1))
    assert not torch.equal(predicted(0, 0.0, 0.1), predicted(1, 0.0, 0.1))


def test_a_run_cut_off_ends_with_the_very_weights_of_one_that_was_not(tmp_path: Path) -> None:
    config = tiny_config(
        **TRANSFORMER, classes=CLASSES, augment=0.5, accumulate=2, gradient_checkpointing=True
    )
    images = bright_squares(config)

    def cut_off(progress: Progress) -> None:
        if progress.step == 5:
            raise PowerCutError

    unbroken = train(config, images, tmp_path / "unbroken")
    with pytest.raises(PowerCutError):
        train(config, images, tmp_path / "broken", on_progress=cut_off)
    resumed = train(config, images, tmp_path / "broken")

    for file in (checkpoint.WEIGHTS, checkpoint.STATE):
        expected, actual = load_file(unbroken / file), load_file(resumed / file)
        assert expected.keys() == actual.keys()
        assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_the_large_preset_has_the_tokens_and_blocks_of_dit_b_2() -> None:
    config = TrainingConfig.from_mapping({"preset": "latent-512"})
    small = replace(config, depth=1)

    with torch.device("meta"):
        shapes = {name: value.shape for name, value in build(small).transformer.named_parameters()}

    assert (config.net_size // config.patch) ** 2 == 1024
    assert config.shift == 2  # of latents with twice the side of the paper's
    in_block = sum(s.numel() for name, s in shapes.items() if ".attn1." in name or ".ff." in name)
    assert in_block == 4 * (768**2 + 768) + (2 * 4 * 768**2 + 5 * 768)


def test_a_width_that_the_heads_do_not_share_evenly_is_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of heads"):
        TrainingConfig.from_mapping({**PRESETS["tiny-transformer"], "heads": 5})


def test_a_transformer_that_is_told_attributes_alone_learns_them() -> None:
    config = tiny_config(**TRANSFORMER, attributes=(SIDE,), learning_rate=0.02, steps=12)
    images = phantoms(replace(config, attributes=(SIDE, DENSITY)), count=10)
    assert images.attributes is not None
    images.attributes = images.attributes[:, :1]
    trainer = Trainer(config, images)
    for _ in range(config.steps):
        trainer.train_step()
    noisy, times = torch.randn(1, 1, 16, 16), torch.tensor([300.0])

    with torch.inference_mode():
        left, right = (trainer.net(noisy, times, None, None, torch.tensor([[side]])) for side in (0.0, 1.0))

    assert not torch.equal(left, right)
