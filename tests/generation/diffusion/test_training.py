"""The trainer learns, stops and goes on as if it had not stopped, and never loses a checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.training import Counter
from generation.diffusion import checkpoint
from generation.diffusion.attributes import CHANGES
from generation.diffusion.config import PRESETS, SAMPLERS, ConfigError, TrainingConfig, settings_from
from generation.diffusion.data import augmentation
from generation.diffusion.data.device_dataset import DeviceDataset
from generation.diffusion.learner import Learner
from generation.diffusion.run import Progress, TrainingFailedError, TrainingImages, train
from generation.diffusion.sampling.sampler import sample
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import (
    CLASSES,
    PowerCutError,
    assert_same_weights,
    bright_squares,
    tiny_config,
    trained,
)


@pytest.mark.parametrize("objective", ["flow", "epsilon", "v_prediction"])
def test_the_loss_falls(objective: str) -> None:
    config = tiny_config(objective=objective, steps=60, learning_rate=3e-3, batch=8)
    trainer = Trainer(config, bright_squares(config))

    losses = [trainer.train_step() for _ in range(60)]

    assert sum(losses[-15:]) < 0.8 * sum(losses[:15])


def test_a_run_that_was_cut_off_ends_with_the_very_weights_of_one_that_was_not(tmp_path: Path) -> None:
    config = tiny_config(classes=CLASSES)
    images = bright_squares(config)

    def cut_off(progress: Progress) -> None:
        if progress.step == 5:
            raise PowerCutError

    unbroken = train(config, images, tmp_path / "unbroken")
    with pytest.raises(PowerCutError):
        train(config, images, tmp_path / "broken", on_progress=cut_off)
    steps: list[int] = []
    resumed = train(config, images, tmp_path / "broken", on_progress=lambda p: steps.append(p.step))

    assert steps == [4, 5, 6]
    assert_same_weights(unbroken, resumed)


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

    assert sorted(path.name for path in tmp_path.glob("*-0*")) == ["step-00000005", "step-00000006"]


def test_the_best_checkpoint_by_a_metric_outlives_newer_ones(tmp_path: Path) -> None:
    config = tiny_config(steps=5, checkpoint_every=1, keep_checkpoints=1, keep_best="fid")
    distance = {1: 9.0, 2: 3.0, 3: float("nan"), 4: 5.0, 5: 4.0}
    reports: list[Progress] = []

    train(
        config,
        bright_squares(config),
        tmp_path,
        on_progress=reports.append,
        on_checkpoint=lambda _trainer, step: {"fid": distance[step], "kid": 0.0},
    )

    assert sorted(path.name for path in tmp_path.glob("*-0*")) == ["step-00000002", "step-00000005"]
    assert checkpoint.read(tmp_path / "step-00000005")[0].facts["metrics"] == {"fid": 4.0, "kid": 0.0}
    assert reports[1].metrics["fid"] == 3.0


def test_a_checkpoint_whose_measuring_was_cut_off_is_measured_when_the_run_goes_on(tmp_path: Path) -> None:
    config = tiny_config()
    images = bright_squares(config)

    def power_cut(trainer: Learner[Any], _step: int) -> dict[str, float]:
        assert trainer.last_checkpoint is not None
        raise PowerCutError

    with pytest.raises(PowerCutError):
        train(config, images, tmp_path, on_checkpoint=power_cut)
    train(config, images, tmp_path, on_checkpoint=lambda _trainer, step: {"fid": step})

    facts = [checkpoint.read(tmp_path / f"step-0000000{step}")[0].facts for step in (3, 6)]
    assert facts == [{"metrics": {"fid": 3}}, {"metrics": {"fid": 6}}]


def test_every_checkpoint_comes_with_samples_of_the_same_seeds(tmp_path: Path) -> None:
    config = tiny_config()
    reports: list[Progress] = []

    train(config, bright_squares(config), tmp_path, on_progress=reports.append)

    with_samples = [progress for progress in reports if progress.samples is not None]
    assert [progress.step for progress in with_samples] == [3, 6]
    assert all(
        progress.samples is not None and progress.samples.shape == (2, 16, 16) for progress in with_samples
    )


def test_a_loss_that_is_no_number_stops_the_run_with_advice(tmp_path: Path) -> None:
    config = tiny_config(learning_rate=1e30, clip_gradient=1e30, steps=50)

    with pytest.raises(TrainingFailedError, match="lower learning_rate"):
        train(config, bright_squares(config), tmp_path)


def test_colour_images_can_be_learned(tmp_path: Path) -> None:
    config = tiny_config(channels=3, steps=3)
    grey = bright_squares(config).pixels
    colour = TrainingImages(grey[..., None].repeat(3, axis=-1))
    reports: list[Progress] = []

    train(config, colour, tmp_path, on_progress=reports.append)

    assert reports[-1].samples is not None
    assert reports[-1].samples.shape == (2, 16, 16, 3)


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
        ({"sample_count": 0}, "sample_count must be at least 1"),
        ({"steps": "many"}, "wrong type"),
        ({"widths": 3}, "wrong type"),
        ({"batch": 10, "accumulate": 4}, "multiple of accumulate"),
        ({"min_snr_gamma": 5}, "belongs to epsilon and v_prediction"),
        ({"objective": "epsilon", "zero_terminal_snr": True}, "needs the objective v_prediction"),
        ({"precision": "fp16"}, "precision"),
        ({"augment": 2}, "probability"),
        ({"latent": "own", "size": 24}, "this latent space"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrainingConfig.from_mapping(settings)


def test_images_that_do_not_fit_the_config_are_refused() -> None:
    with pytest.raises(ConfigError, match="wants"):
        Trainer(tiny_config(size=32), bright_squares(tiny_config()))
    with pytest.raises(ConfigError, match="class"):
        Trainer(tiny_config(classes=CLASSES), bright_squares(tiny_config()))


def test_accumulated_parts_make_the_step_of_the_whole_batch() -> None:
    at_once = tiny_config(classes=CLASSES, augment=0.5)
    parts = replace(at_once, accumulate=4)
    one, other = (Trainer(config, bright_squares(config)) for config in (at_once, parts))

    losses = [(float(one.train_step()), float(other.train_step())) for _ in range(3)]

    assert [pair[1] for pair in losses] == pytest.approx([pair[0] for pair in losses], rel=1e-4)


def test_a_run_whose_loss_breaks_once_goes_back_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(checkpoint_every=2)
    train_step, reports = Trainer.train_step, list[Progress]()

    def broken_at_four(trainer: Trainer) -> torch.Tensor:
        loss = train_step(trainer)
        return loss * float("nan") if trainer.step == 4 and not trainer.turn else loss

    monkeypatch.setattr(Trainer, "train_step", broken_at_four)
    done = train(config, bright_squares(config), tmp_path, on_progress=reports.append)

    assert [progress.step for progress in reports] == [1, 2, 3, 2, 3, 4, 5, 6]
    assert "went back to step 2" in reports[3].note
    assert reports[4].learning_rate == pytest.approx(reports[2].learning_rate / 2)
    assert checkpoint.read(done)[0].facts["turn"] == 1


def test_a_checkpoint_by_the_clock_is_gone_on_from_and_then_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(checkpoint_every=6, checkpoint_minutes=1e-9)
    images = bright_squares(config)

    def cut_off(progress: Progress) -> None:
        if progress.step == 4:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        train(config, images, tmp_path / "broken", on_progress=cut_off)
    left = sorted(folder.name for folder in (tmp_path / "broken").glob("*-0*"))
    steps: list[int] = []
    done = train(config, images, tmp_path / "broken", on_progress=lambda p: steps.append(p.step))

    assert left == ["resume-00000004"]
    assert steps == [5, 6]
    assert sorted(folder.name for folder in (tmp_path / "broken").glob("*-0*")) == ["step-00000006"]
    assert_same_weights(train(config, images, tmp_path / "unbroken"), done)


def test_augmentation_keeps_within_its_limits_and_leaves_untouched_what_it_is_told_to() -> None:
    images = torch.from_numpy(bright_squares(tiny_config()).pixels).unsqueeze(1).float() / 127.5 - 1
    dice = torch.Generator().manual_seed(1)

    changes = augmentation.draw(10, 1.0, dice)
    none = augmentation.draw(10, 0.0, dice, flip=True)

    assert bool((changes.abs() <= 1).all())
    assert not changes[:, -1].any()
    torch.testing.assert_close(augmentation.apply(images, none), images, atol=1e-5, rtol=0)
    assert float((augmentation.apply(images, changes) - images).abs().mean()) > 0.01
    flip = torch.zeros(10, CHANGES)
    flip[:, -1] = 1
    torch.testing.assert_close(augmentation.apply(images, flip), images.flip(-1), atol=1e-4, rtol=0)


def test_images_that_do_not_fit_on_the_device_come_from_memory_the_same() -> None:
    pixels = bright_squares(tiny_config()).pixels
    rows = np.array([3, 1, 3])

    resident, streamed = (DeviceDataset(pixels, torch.device("cpu"), room=room) for room in (10**9, 10))

    assert (resident.resident, streamed.resident) == (True, False)
    assert torch.equal(resident.take(rows), streamed.take(rows))


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "epsilon", "schedule": "linear", "min_snr_gamma": 5.0},
        {"objective": "v_prediction", "schedule": "cosine", "zero_terminal_snr": True, "min_snr_gamma": 5.0},
        {"objective": "v_prediction", "schedule": "linear", "zero_terminal_snr": True},
        {"objective": "flow", "gradient_checkpointing": True, "precision": "bf16"},
    ],
)
def test_every_schedule_trains_and_samples_with_each_of_its_samplers(settings: dict[str, Any]) -> None:
    config = tiny_config(**settings)
    trainer = Trainer(config, bright_squares(config))

    loss = float(trainer.train_step())

    assert np.isfinite(loss)
    for sampler in SAMPLERS[config.objective]:
        images = sample(trainer.averaged, [1], sampler=sampler, steps=3)
        assert images.std() > 0


def test_a_step_has_few_operations_outside_the_network() -> None:
    config = tiny_config()
    trainer = Trainer(config, bright_squares(config))
    trainer.train_step()
    counter = Counter()
    counter.leave_out(trainer)

    with counter:
        trainer.train_step()

    assert 5 < counter.rest <= 22


def test_settings_come_from_words() -> None:
    words = ["steps=7", "objective=v_prediction", "widths=[8, 16]", "flip=true", "latent='/a b'"]

    assert settings_from(words) == {
        "steps": 7,
        "objective": "v_prediction",
        "widths": [8, 16],
        "flip": True,
        "latent": "/a b",
    }
    with pytest.raises(ConfigError, match="key=value"):
        settings_from(["steps"])
