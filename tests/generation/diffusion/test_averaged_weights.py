"""The averaged weights are what is kept, sampled and measured; the label is hidden as often as the config says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from generation.diffusion import checkpoint
from generation.diffusion.run import train
from generation.diffusion.sampling.sampler import sample
from generation.diffusion.trainer import Trainer
from generation.metrics.checkpoint_evaluator import Watch
from tests.generation.tiny import CLASSES, bright_squares, tiny_config


def test_the_average_after_k_steps_is_its_closed_form_and_a_checkpoint_holds_it(tmp_path: Path) -> None:
    """In closed form, each step's weights count their share of what all later steps leave of it."""
    steps, longest = 7, 0.4  # so that both the warm-up, (1 + k) / (10 + k), and its limit come
    config = tiny_config(ema_decay=longest, learning_rate=1e-2, steps=steps)
    trainer = Trainer(config, bright_squares(config))
    history = [weights_of(trainer.net)]
    for _ in range(steps):
        trainer.train_step()
        history.append(weights_of(trainer.net))
    saved = load_file(trainer.save(tmp_path / "step-00000007") / checkpoint.WEIGHTS)

    decays = [min(longest, (1 + k) / (10 + k)) for k in range(1, steps + 1)]
    shares = [math.prod(decays)] + [(1 - decays[k]) * math.prod(decays[k + 1 :]) for k in range(steps)]

    assert sum(shares) == pytest.approx(1)
    for name, weight in saved.items():
        expected = sum(share * weights[name] for share, weights in zip(shares, history, strict=True))
        torch.testing.assert_close(weight.double(), expected, rtol=1e-4, atol=1e-6)
    assert any(not torch.equal(saved[name].double(), history[-1][name]) for name in saved)


def weights_of(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().double().clone() for name, weight in net.state_dict().items()}


def test_samples_of_a_run_are_drawn_from_the_weights_its_checkpoint_holds(tmp_path: Path) -> None:
    config = tiny_config(learning_rate=1e-2)
    drawn: list[np.ndarray] = []

    done = train(
        config,
        bright_squares(config),
        tmp_path,
        on_progress=lambda progress: drawn.append(progress.samples) if progress.samples is not None else None,
    )

    description, weights = checkpoint.read(done)
    network = checkpoint.network(description, weights.read_bytes(), torch.device("cpu"))
    assert np.array_equal(drawn[-1], sample(network, [0, 1], steps=config.sample_steps))


def test_what_is_measured_of_a_checkpoint_is_drawn_from_the_averaged_weights(tmp_path: Path) -> None:
    config = tiny_config(learning_rate=1e-2)
    trainer = Trainer(config, bright_squares(config))
    pixels = bright_squares(config).pixels
    watch = Watch.of(tmp_path / "watch", pixels, pixels, count=4)
    trainer.train_step()
    before = watch.samples(trainer)

    with torch.no_grad():
        for weight in trainer.net.parameters():
            weight.fill_(math.nan)
    after_the_trained_weights_are_gone = watch.samples(trainer)
    with torch.no_grad():
        for weight in trainer.averaged.parameters():
            weight.mul_(1.5)
    after_the_averaged_weights_change = watch.samples(trainer)

    assert np.array_equal(before, after_the_trained_weights_are_gone)
    assert not np.array_equal(before, after_the_averaged_weights_change)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_as_many_labels_are_hidden_as_the_config_says(share: float) -> None:
    config = tiny_config(classes=CLASSES, label_dropout=share, batch=4)
    trainer = Trainer(config, bright_squares(config))
    labels = bright_squares(config).classes
    assert labels is not None
    hidden, count = 0, 0

    for step in range(1000):
        draw = trainer.draw(torch.Generator().manual_seed(step), trainer.order.rows(step))
        conditions = trainer._classes_shown(draw)
        assert conditions is not None
        is_hidden = conditions.numpy() == config.null_class
        assert np.array_equal(conditions.numpy()[~is_hidden], labels[draw.rows][~is_hidden])
        hidden, count = hidden + int(is_hidden.sum()), count + len(is_hidden)

    deviation = math.sqrt(count * share * (1 - share))
    assert abs(hidden - count * share) <= 4 * deviation
