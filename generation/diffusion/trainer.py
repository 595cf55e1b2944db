"""A network of our own as it learns: in pixels or latents, with or without classes, its weights averaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from generation.diffusion import checkpoint, warm_start
from generation.diffusion.attributes import NOT_TOLD
from generation.diffusion.checkpoint_json import CheckpointFacts
from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.data import augmentation
from generation.diffusion.data.device_dataset import DeviceDataset, normalised_images
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.learner import Draw, Learner
from generation.diffusion.networks.latent_space import PixelSpace, Space
from generation.diffusion.networks.network import autocast, build
from generation.diffusion.objectives import objective_of
from generation.diffusion.optimiser import optimiser_state, restore_optimiser
from generation.diffusion.power_averages import PowerAverages
from generation.diffusion.sampling.sampler import eight_bit_images, sample
from generation.diffusion.sampling.seeds import seed_of
from generation.diffusion.text.states import TextStates

ENCODED_AT_ONCE = 64
VALIDATION, DRAWS = 3, 8  # a stream of random numbers of its own, and how often each image is drawn


class Trainer(Learner[TrainingConfig]):
    """One run of a network of our own."""

    def __init__(
        self,
        config: TrainingConfig,
        images: TrainingImages,
        *,
        device: torch.device | None = None,
        space: Space | None = None,
        group: DistributedGroup | None = None,
        text: TextStates | None = None,
    ) -> None:
        images.check(config)
        if images.bits != config.bits:
            raise ConfigError(f"The images have {images.bits} bits; the config wants {config.bits}.")
        if bool(config.classes) != (images.classes is not None):
            raise ConfigError("A class-conditional config needs the class of each image, another needs none.")
        super().__init__(config, len(images.pixels), group, device)
        self.net = build(config, seed=config.seed).to(self.device)
        self.averaged = build(config).to(self.device).requires_grad_(requires_grad=False).eval()
        self.averaged.load_state_dict(self.net.state_dict())
        self.space = self.averaged.space = space or PixelSpace()
        self.joined = self.group.join(self.net)
        self.model: Any = torch.compile(self.joined) if config.compile else self.joined
        self.train_these(dict(self.net.named_parameters()), weight_decay=config.weight_decay)
        self.averages = list(self.averaged.parameters())
        self.power_averages = PowerAverages(self.trained) if config.post_hoc_ema else None
        self.objective = objective_of(config, self.device)
        self.pixels = DeviceDataset(images.pixels, self.device)
        self.classes = None if images.classes is None else DeviceDataset(images.classes, self.device)
        if bool(config.attributes) != (images.attributes is not None):
            raise ConfigError("A config with attributes needs those of each image, another needs none.")
        values = images.attributes
        self.attributes = None if values is None else DeviceDataset(values, self.device)
        if bool(config.text) != (text is not None):
            raise ConfigError("A config with a text needs that of each image, another needs none.")
        self.text = None if text is None else DeviceDataset(text.states, self.device)
        self.text_places = None if text is None else text.places
        self.latents = self._latents() if config.latent and not config.augment else None

    def start_from(self, folder: Path) -> None:
        """With the averaged weights of another run's checkpoint; optimiser and step are new. Raises CheckpointError."""
        description, weights = checkpoint.read(folder)
        fitted = warm_start.fitted(description.config, load_file(weights), self.config, self.net)
        self.net.load_state_dict(fitted)
        self.averaged.load_state_dict(fitted)

    def draw(self, generator: torch.Generator, rows: NDArray[np.int64]) -> Draw:
        config, count = self.config, self.config.batch
        shape = (count, config.net_channels, config.net_size, config.net_size)
        noise = torch.randn(shape, generator=generator, device=self.device)
        draw = Draw(rows, noise, self.objective.times(count, generator))
        if self.classes is not None:
            draw.hidden = torch.rand(count, generator=generator, device=self.device) < config.label_dropout
        if config.augment:
            draw.changes = augmentation.draw(count, config.augment, generator, flip=config.flip)
        if config.attributes:
            chances = torch.tensor([attribute.dropout for attribute in config.attributes], device=self.device)
            draw.hidden_attributes = (
                torch.rand((count, len(chances)), generator=generator, device=self.device) < chances
            )
        if config.text:
            draw.hidden_text = (
                torch.rand(count, generator=generator, device=self.device) < config.text.dropout
            )
        return draw

    def loss(self, draw: Draw) -> Tensor:
        conditions = self._classes_shown(draw), draw.changes, self._attributes_shown(draw)
        text = () if self.text is None else (self._text_shown(draw),)
        return self.objective.loss(
            self._predict, self._clean(draw), draw.noise, draw.times, *conditions, *text
        )

    def _predict(self, noisy: Tensor, *rest: Tensor | None) -> Tensor:
        """In mixed precision; the noising and the error around it are in fp32."""
        with autocast(self.device, self.config.precision):
            predicted: Tensor = self.model(noisy, *rest)
        return predicted

    def _clean(self, draw: Draw) -> Tensor:
        if self.latents is not None:
            return self.latents.take(draw.rows)
        clean = normalised_images(self.pixels, draw.rows)
        if draw.changes is not None:
            clean = augmentation.apply(clean, draw.changes)
        return self.space.encode(clean)

    def _classes_shown(self, draw: Draw) -> Tensor | None:
        if self.classes is None or draw.hidden is None:
            return None
        return self.classes.take(draw.rows).masked_fill(draw.hidden, self.config.null_class)

    def _attributes_shown(self, draw: Draw) -> Tensor | None:
        if self.attributes is None or draw.hidden_attributes is None:
            return None
        return self.attributes.take(draw.rows).masked_fill(draw.hidden_attributes, NOT_TOLD)

    def _text_of(self, rows: NDArray[np.int64]) -> Tensor | None:
        if self.text is None or self.text_places is None:
            return None
        return self.text.take(self.text_places[rows])

    def _text_shown(self, draw: Draw) -> Tensor | None:
        states = self._text_of(draw.rows)
        if states is None or draw.hidden_text is None:
            return None
        return states.masked_fill(draw.hidden_text[:, None, None], 0.0)

    def _latents(self) -> DeviceDataset:
        """Every image encoded once, as nothing changes them from step to step."""
        rows = np.arange(len(self.pixels))
        groups = np.split(rows, range(ENCODED_AT_ONCE, len(rows), ENCODED_AT_ONCE))
        encoded = [self.space.encode(normalised_images(self.pixels, group)).cpu().numpy() for group in groups]
        return DeviceDataset(np.concatenate(encoded), self.device)

    def _average(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        get_ema_multi_avg_fn(decay)(self.averages, self.weights, self.step)  # type: ignore[no-untyped-call]  # torch's own
        if self.power_averages is not None:
            self.power_averages.follow(self.weights, self.step)

    @torch.no_grad()
    def validation_loss(self, images: TrainingImages) -> float | None:
        """The mean of eight draws of time and noise for each image, the same draws at every checkpoint."""
        shelf = DeviceDataset(images.pixels, self.device)
        generator = torch.Generator(self.device).manual_seed(seed_of(self.config.seed, VALIDATION))
        total, rows = 0.0, np.arange(len(shelf))
        for group in np.split(rows, range(ENCODED_AT_ONCE, len(rows), ENCODED_AT_ONCE)):
            clean = self.space.encode(normalised_images(shelf, group))
            classes = None
            if images.classes is not None:
                classes = torch.from_numpy(images.classes[group]).to(self.device)
            for _ in range(DRAWS):
                noise = torch.randn(clean.shape, generator=generator, device=self.device)
                times = self.objective.times(len(group), generator)
                loss = self.objective.loss(self._predict_averaged, clean, noise, times, classes, None)
                total += float(loss) * len(group)
        return total / (DRAWS * len(rows))

    def _predict_averaged(self, noisy: Tensor, *rest: Tensor | None) -> Tensor:
        with autocast(self.device, self.config.precision):
            predicted: Tensor = self.averaged(noisy, *rest)
        return predicted

    @torch.no_grad()
    def round_trip(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        if not self.config.latent:
            return None
        clean = normalised_images(DeviceDataset(pixels, self.device), np.arange(len(pixels)))
        return eight_bit_images(self.space.decode(self.space.encode(clean)))

    def images(self, places: Sequence[int], *, seed: int = 0) -> NDArray[np.uint8]:
        config = self.config
        kinds = [place % len(config.classes) for place in places] if config.classes else None
        seeds = [seed + place for place in places]
        attributes = None
        if self.attributes is not None:  # of training images in turn, so that samples are as mixed as these
            attributes = self.attributes.take(np.array(places) % len(self.attributes)).cpu().numpy()
        text = self._text_of(np.array(places) % len(self.pixels))
        return sample(
            self.averaged,
            seeds,
            classes=kinds,
            attributes=attributes,
            text=None if text is None else text.cpu().numpy(),
            steps=config.sample_steps,
        )

    def save(self, folder: Path) -> Path:
        facts: CheckpointFacts = {**self.space.facts(), **self.facts}
        if text := self.config.text:
            facts |= {"text_encoder": text.encoder, "text_encoder_sha256": text.sha256}
        description = checkpoint.Description(self.config, self.step, facts)
        weights = {**self.averaged.state_dict(), **self.space.weights()}
        net = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        state = {**net, **optimiser_state(self.trained, self.optimiser)}
        if self.power_averages is not None:
            state |= self.power_averages.state()
        self.last_checkpoint = checkpoint.write(folder, description, weights, state=state)
        return self.last_checkpoint

    def keep_averages(self, run: Path) -> None:
        if self.power_averages is not None:
            self.power_averages.write(run, self.step)

    def restore(self, folder: Path) -> None:
        description, weights = checkpoint.read(folder)
        state = checkpoint.load_state(folder)
        self.averaged.load_state_dict(
            checkpoint.network(description, weights.read_bytes(), self.device).state_dict()
        )
        self.net.load_state_dict(
            {k.removeprefix("net."): v for k, v in state.items() if k.startswith("net.")}
        )
        restore_optimiser(self.trained, self.optimiser, state)
        if self.power_averages is not None:
            self.power_averages.restore(state)
        self.step, self.turn = description.step, int(description.facts.get("turn", 0))
        self.last_checkpoint = folder
