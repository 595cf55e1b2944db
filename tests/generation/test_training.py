"""The trainer learns, stops and goes on as if it had not stopped, and never loses a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generation.training import checkpoint
from generation.training.config import PRESETS, ConfigError, TrainingConfig
from generation.training.run import Pictures, Progress, TrainingFailedError, train
from generation.training.trainer import Trainer
from tests.generation.tiny import CLASSES, bright_squares, tiny_config, trained


class PowerCutError(Exception):
    pass


@pytest.mark.parametrize("objective", ["flow", "epsilon", "v_prediction"])
def test_the_loss_falls(objective: str) -> None:
    config = tiny_config(objective=objective, steps=60, learning_rate=3e-3, batch=8)
    trainer = Trainer(config, bright_squares(config))

    losses = [trainer.train_step() for _ in range(60)]

    assert sum(losses[-15:]) < 0.8 * sum(losses[:15])


def test_a_run_that_was_cut_off_ends_with_the_very_weights_of_one_that_was_not(tmp_path: Path) -> None:
    config = tiny_config(classes=CLASSES)
    pictures = bright_squares(config)

    def cut_off(progress: Progress) -> None:
        if progress.step == 5:
            raise PowerCutError

    unbroken = train(config, pictures, tmp_path / "unbroken")
    with pytest.raises(PowerCutError):
        train(config, pictures, tmp_path / "broken", on_progress=cut_off)
    steps: list[int] = []
    resumed = train(config, pictures, tmp_path / "broken", on_progress=lambda p: steps.append(p.step))

    assert steps == [4, 5, 6]
    for file in (checkpoint.WEIGHTS, checkpoint.STATE):
        expected, found = load_file(unbroken / file), load_file(resumed / file)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_checkpoint_that_could_not_be_written_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(keep_checkpoints=1)
    trainer = Trainer(config, bright_squares(config))
    first = trainer.save(tmp_path / "step-00000000")
    trainer.train_step()

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_sync", disk_full)
    with pytest.raises(OSError, match="No space"):
        trainer.save(tmp_path / "step-00000001")

    assert checkpoint.latest(tmp_path) == first
    assert checkpoint.read(first)[0].step == 0


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    trained(tmp_path, steps=6, checkpoint_every=1, keep_checkpoints=2)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000005", "step-00000006"]


def test_the_best_checkpoint_by_a_metric_outlives_newer_ones(tmp_path: Path) -> None:
    config = tiny_config(steps=5, checkpoint_every=1, keep_checkpoints=1, keep_best="fid")
    distance = {1: 9.0, 2: 3.0, 3: float("nan"), 4: 5.0, 5: 4.0}
    seen: list[Progress] = []

    train(
        config,
        bright_squares(config),
        tmp_path,
        on_progress=seen.append,
        on_checkpoint=lambda _trainer, step: {"fid": distance[step], "kid": 0.0},
    )

    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000005"]
    assert checkpoint.read(tmp_path / "step-00000005")[0].facts["metrics"] == {"fid": 4.0, "kid": 0.0}
    assert seen[1].metrics["fid"] == 3.0


def test_a_checkpoint_whose_measuring_was_cut_off_is_measured_when_the_run_goes_on(tmp_path: Path) -> None:
    config = tiny_config()
    pictures = bright_squares(config)

    def power_cut(trainer: Trainer, _step: int) -> dict[str, float]:
        assert trainer.last_checkpoint is not None
        raise PowerCutError

    with pytest.raises(PowerCutError):
        train(config, pictures, tmp_path, on_checkpoint=power_cut)
    train(config, pictures, tmp_path, on_checkpoint=lambda _trainer, step: {"fid": step})

    facts = [checkpoint.read(tmp_path / f"step-0000000{step}")[0].facts for step in (3, 6)]
    assert facts == [{"metrics": {"fid": 3}}, {"metrics": {"fid": 6}}]


def test_every_checkpoint_comes_with_samples_of_the_same_seeds(tmp_path: Path) -> None:
    config = tiny_config()
    seen: list[Progress] = []

    train(config, bright_squares(config), tmp_path, on_progress=seen.append)

    with_samples = [progress for progress in seen if progress.samples is not None]
    assert [progress.step for progress in with_samples] == [3, 6]
    assert all(
        progress.samples is not None and progress.samples.shape == (2, 16, 16) for progress in with_samples
    )


def test_a_loss_that_is_no_number_stops_the_run_with_advice(tmp_path: Path) -> None:
    config = tiny_config(learning_rate=1e30, clip_gradient=1e30, steps=50)

    with pytest.raises(TrainingFailedError, match="lower learning_rate"):
        train(config, bright_squares(config), tmp_path)


def test_colour_pictures_can_be_learned(tmp_path: Path) -> None:
    config = tiny_config(channels=3, steps=3)
    grey = bright_squares(config).pixels
    colour = Pictures(grey[..., None].repeat(3, axis=-1))
    seen: list[Progress] = []

    train(config, colour, tmp_path, on_progress=seen.append)

    assert seen[-1].samples is not None
    assert seen[-1].samples.shape == (2, 16, 16, 3)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_valid_config_and_survives_json(preset: str) -> None:
    config = TrainingConfig.from_mapping(
        {"preset": preset, "classes": [{"modality": "ct", "label": "covid"}]}
    )

    assert TrainingConfig.from_mapping(json.loads(json.dumps(config.as_json()))) == config


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"objective": "gan"}, "objective"),
        ({"size": 50}, "size must be a multiple"),
        ({"wdith": 3}, "wdith"),
        ({"preset": "huge"}, "no preset"),
        ({"steps": 0}, "steps"),
        ({"steps": "many"}, "wrong type"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrainingConfig.from_mapping(settings)


def test_pictures_that_do_not_fit_the_config_are_refused() -> None:
    with pytest.raises(ConfigError, match="wants"):
        Trainer(tiny_config(size=32), bright_squares(tiny_config()))
    with pytest.raises(ConfigError, match="class"):
        Trainer(tiny_config(classes=CLASSES), bright_squares(tiny_config()))
