"""A run in an autoencoder's space, its own or a local one: cut off and gone on, and what comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file

from generation.diffusion import checkpoint
from generation.diffusion.config import ConfigError
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.networks import autoencoder
from generation.diffusion.run import Progress, train
from generation.diffusion.sampling.sampler import sample
from tests.generation.tiny import PowerCutError, assert_same_weights, bright_squares, tiny_config

LATENT = {"latent": "own", "latent_widths": (8, 8), "patch": 1, "latent_steps": 5}
ADVERSARIAL = {"latent_perceptual": 1.0, "latent_adversarial": 0.5, "latent_adversarial_start": 1}


@pytest.mark.parametrize("settings", [{}, {"augment": 0.7}, ADVERSARIAL])
def test_a_latent_run_cut_off_anywhere_ends_with_the_very_weights_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    config = tiny_config(**LATENT, **settings, accumulate=2)
    images = bright_squares(config)
    unbroken = train(config, images, tmp_path / "unbroken")
    monkeypatch.setattr(autoencoder, "SAVED_EVERY", 2)

    def cut_off(progress: Progress) -> None:
        if progress.step == 5:
            raise PowerCutError

    with _dying_at(3), pytest.raises(PowerCutError):
        train(config, images, tmp_path / "broken")
    with pytest.raises(PowerCutError):
        train(config, images, tmp_path / "broken", on_progress=cut_off)
    resumed = train(config, images, tmp_path / "broken")

    assert_same_weights(unbroken, resumed)
    description, weights = checkpoint.read(resumed)
    net = checkpoint.network(description, weights.read_bytes(), torch.device("cpu"))
    assert sample(net, [1, 2], steps=2).shape == (2, 16, 16)


@contextlib.contextmanager
def _dying_at(step: int) -> Iterator[None]:
    """The autoencoder's own training is cut off at this step."""
    train_step = autoencoder.AutoencoderTraining.train_step

    def dying(autoencoder_training: autoencoder.AutoencoderTraining) -> torch.Tensor:
        if autoencoder_training.step == step:
            raise PowerCutError
        return train_step(autoencoder_training)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(autoencoder.AutoencoderTraining, "train_step", dying)
        yield


def test_an_autoencoder_brings_back_what_it_was_shown(tmp_path: Path) -> None:
    config = tiny_config(**{**LATENT, "latent_steps": 60, "latent_widths": (16, 16)})
    images = bright_squares(config)

    space = autoencoder.space_for(config, images, tmp_path, torch.device("cpu"), DistributedGroup())

    assert space is not None
    pixels = torch.from_numpy(images.pixels).unsqueeze(1).float() / 127.5 - 1
    latents = space.encode(pixels)
    assert latents.shape == (10, 4, 8, 8)
    assert float(latents.std()) == pytest.approx(1, abs=0.05)
    assert float((space.decode(latents) - pixels).abs().mean()) < 0.3 * float(
        (pixels - pixels.mean()).abs().mean()
    )


def test_a_local_autoencoder_is_used_as_it_is_and_one_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    kl: Any = AutoencoderKL
    kl(block_out_channels=(8, 8), norm_num_groups=8, **blocks).save_pretrained(tmp_path / "vae")
    config = tiny_config(**{**LATENT, "latent": str(tmp_path / "vae")})

    done = train(config, bright_squares(config), tmp_path / "run")

    assert "autoencoder.encoder.conv_in.weight" in load_file(done / checkpoint.WEIGHTS)
    narrow = tiny_config(**{**LATENT, "latent": str(tmp_path / "vae"), "latent_channels": 2})
    with pytest.raises(ConfigError, match="latent_channels to 4"):
        train(narrow, bright_squares(narrow), tmp_path / "other")
    with pytest.raises(ConfigError, match="holds no autoencoder"):
        train(replace(config, latent=str(tmp_path)), bright_squares(config), tmp_path / "third")
