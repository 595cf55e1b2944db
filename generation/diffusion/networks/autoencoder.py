"""A small KL autoencoder, trained on the same images, or one that is there already; diffusion then runs in its latents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from generation.diffusion import checkpoint
from generation.diffusion.config import KL_WEIGHT, OWN_AUTOENCODER, ConfigError, TrainingConfig
from generation.diffusion.data.device_dataset import DeviceDataset, normalised_images
from generation.diffusion.data.training_images import Order, TrainingImages
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.errors import TrainingStoppedError
from generation.diffusion.networks.latent_space import LatentSpace, Space, raw_latents, space_from
from generation.diffusion.networks.network import autocast
from generation.diffusion.networks.patch_adversary import PatchAdversary
from generation.diffusion.networks.perceptual_distance import PerceptualDistance
from generation.diffusion.optimiser import optimiser_state, restore_optimiser
from generation.diffusion.progress import Tell, silent
from generation.diffusion.sampling.seeds import seed_of

FOLDER = "autoencoder"
LEARNING_RATE, BATCH = 1e-3, 16
SAVED_EVERY = 200
MEASURED_ON = 256
STREAM = 2  # its own random numbers


def space_for(
    config: TrainingConfig,
    images: TrainingImages,
    run: Path,
    device: torch.device,
    group: DistributedGroup,
    *,
    parent: Path | None = None,
    tell: Tell = silent,
) -> Space | None:
    """The latent space the config asks for, trained or loaded once and kept in the run's folder; None for pixels.

    What starts with the weights of a `parent` goes on in its space. Raises ConfigError when a folder holds no autoencoder that fits.
    """
    if not config.latent:
        return None
    folder = run / FOLDER
    if not (folder / checkpoint.CONFIG).exists() and group.rank == 0:
        images.check(config)
        space = space_of(parent, device) if parent else _new_space(config, images, run, device, tell)
        checkpoint.write(folder, checkpoint.Description(config, 0, space.facts()), space.weights())
    group.wait()
    description = checkpoint.read(folder)[0]
    return space_from(description.facts, load_file(folder / checkpoint.WEIGHTS), config.channels, device)


def space_of(folder: Path, device: torch.device) -> Space:
    """The space a checkpoint works in."""
    description, weights = checkpoint.read(folder)
    return space_from(description.facts, load_file(weights), description.config.channels, device)


def _new_space(
    config: TrainingConfig, images: TrainingImages, run: Path, device: torch.device, tell: Tell
) -> LatentSpace:
    shelf = DeviceDataset(images.pixels, device)
    if config.latent == OWN_AUTOENCODER:
        autoencoder = AutoencoderTraining(config, shelf, run / f"{FOLDER}-in-training").learned(tell)
    else:
        autoencoder = _local(images.autoencoder or Path(config.latent), config).to(device)
    return _scaled(autoencoder, shelf, config)


def _local(folder: Path, config: TrainingConfig) -> Any:
    """An AutoencoderKL of a diffusers folder; the network is built for this many channels and this scale."""
    kl: Any = AutoencoderKL  # diffusers ships no types
    try:
        autoencoder = kl.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, json.JSONDecodeError) as error:
        raise ConfigError(f"The folder {folder} holds no autoencoder that can be read: {error}") from error
    factor, channels = (
        2 ** (len(autoencoder.config.block_out_channels) - 1),
        autoencoder.config.latent_channels,
    )
    if (factor, channels) != (config.latent_factor, config.latent_channels):
        raise ConfigError(
            f"The autoencoder in {folder} has {channels} channels and makes images {factor} times smaller; set "
            f"latent_channels to {channels} and give latent_widths {len(autoencoder.config.block_out_channels)} levels."
        )
    if autoencoder.config.in_channels < config.channels:
        raise ConfigError(f"The autoencoder in {folder} knows no colour; set channels to 1.")
    return autoencoder


@torch.no_grad()
def _scaled(autoencoder: Any, shelf: DeviceDataset, config: TrainingConfig) -> LatentSpace:
    """The space with the mean and the deviation of the first images' latents."""
    autoencoder.eval()
    rows = np.arange(min(MEASURED_ON, len(shelf)))
    latents = torch.cat(
        [
            raw_latents(autoencoder, normalised_images(shelf, part))
            for part in np.array_split(rows, 16)
            if len(part)
        ]
    )
    return LatentSpace(
        autoencoder, config.channels, mean=float(latents.mean()), deviation=max(1e-6, float(latents.std()))
    )


def reconstruction_loss(back: Tensor, clean: Tensor, divergence: Tensor) -> Tensor:
    """The mean absolute error, and the latents' divergence from noise (one sum an image), weighted as Rombach et al. do.

    Their code sums both over an image, so that a mean error goes with the divergence by value of the image.
    """
    return functional.l1_loss(back, clean) + KL_WEIGHT * divergence.mean() / clean[0].numel()


class AutoencoderTraining:
    """The training of an autoencoder, which goes on where it was cut off as the run itself does."""

    def __init__(self, config: TrainingConfig, shelf: DeviceDataset, folder: Path) -> None:
        self.config, self.shelf, self.folder = config, shelf, folder
        self.order = Order(len(shelf), min(BATCH, config.batch), seed_of(config.seed, STREAM))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(config.seed, STREAM))
            kl: Any = AutoencoderKL  # diffusers ships no types
            self.net = kl(
                in_channels=config.channels,
                out_channels=config.channels,
                down_block_types=("DownEncoderBlock2D",) * len(config.latent_widths),
                up_block_types=("UpDecoderBlock2D",) * len(config.latent_widths),
                block_out_channels=config.latent_widths,
                latent_channels=config.latent_channels,
                norm_num_groups=8,
                sample_size=config.size,
                mid_block_add_attention=False,
            ).to(shelf.device)
            self.adversary = None
            if config.latent_adversarial:
                width = config.latent_widths[0]
                self.adversary = PatchAdversary(config.channels, config.size, width, shelf.device)
        self.perceptual = PerceptualDistance().to(shelf.device) if config.latent_perceptual else None
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=LEARNING_RATE, weight_decay=0.0, fused=True
        )
        self.step = 0

    def learned(self, tell: Tell) -> Any:
        """The trained autoencoder."""
        self._go_on()
        while self.step < self.config.latent_steps:
            self.train_step()
            try:
                tell(f"Learning the autoencoder: step {self.step:,} of {self.config.latent_steps:,}")
            except TrainingStoppedError:
                self._save()
                raise
            if self.step % SAVED_EVERY == 0 and self.step < self.config.latent_steps:
                self._save()
        return self.net

    def train_step(self) -> Tensor:
        """What the autoencoder loses; the discriminator, once it has begun, learns from the same images."""
        device = self.shelf.device
        generator = torch.Generator(device).manual_seed(seed_of(self.config.seed, STREAM, self.step))
        clean = normalised_images(self.shelf, self.order.rows(self.step))
        with autocast(device, self.config.precision):
            latents = self.net.encode(clean).latent_dist
            noise = torch.randn(latents.mean.shape, generator=generator, device=device)
            back = self.net.decode(latents.mean + latents.std * noise).sample
        config, back = self.config, back.float()
        loss = reconstruction_loss(back, clean, latents.kl())
        if self.perceptual is not None:
            loss = loss + config.latent_perceptual * self.perceptual(back, clean).mean()
        adversary = self.adversary if self.step >= config.latent_adversarial_start else None
        if adversary is not None:
            last_layer = self.net.decoder.conv_out.weight
            loss = loss + config.latent_adversarial * adversary.term(back, loss, last_layer)
        decay = 1 - 0.95 * self.step / config.latent_steps
        for group in self.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * decay
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        if adversary is not None:
            adversary.learn(clean, back, decay=decay)
        self.step += 1
        detached: Tensor = loss.detach()
        return detached

    def _save(self) -> None:
        state = optimiser_state(dict(self.net.named_parameters()), self.optimiser)
        if self.adversary is not None:
            state |= self.adversary.state()
        description = checkpoint.Description(self.config, self.step, {})
        checkpoint.write(self.folder, description, self.net.state_dict(), state=state)

    def _go_on(self) -> None:
        if not (self.folder / checkpoint.STATE).exists():
            return
        description, weights = checkpoint.read(self.folder)
        self.net.load_state_dict(load_file(weights))
        parameters = dict(self.net.named_parameters())
        state = checkpoint.load_state(self.folder)
        restore_optimiser(parameters, self.optimiser, state)
        if self.adversary is not None:
            self.adversary.restore(state)
        self.step = description.step
