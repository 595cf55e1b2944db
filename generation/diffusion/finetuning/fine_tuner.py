"""A local Stable Diffusion as it learns from images with prompts: a LoRA beside its network, or all of it.

Latents and prompts are encoded once, before the first step; the prompts' encoder is then no longer needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from generation.diffusion import checkpoint
from generation.diffusion.checkpoint_json import CheckpointFacts, CheckpointJSON
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.errors import CheckpointError, PipelineError
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.finetuning.pipelines import PipelineSource, check_prompts, eight_bits
from generation.diffusion.learner import Draw, Learner
from generation.diffusion.networks.network import autocast
from generation.diffusion.optimiser import optimiser_state, restore_optimiser
from generation.diffusion.progress import Tell, silent
from generation.diffusion.run_config import ConfigError

FORMAT, EARLIER = "lungrater-finetuning-2", "lungrater-finetuning-1"
TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
ENCODED_AT_ONCE, DRAWN_AT_ONCE = 4, 4
PROMPTS_BETWEEN_WORDS = 64


@dataclass(frozen=True)
class FineTuning:
    """What config.json says of a checkpoint of a fine-tuning."""

    config: FineTuneConfig
    step: int
    facts: CheckpointFacts

    def as_json(self) -> CheckpointJSON:
        return {"format": FORMAT, "step": self.step, "config": self.config.as_json(), "facts": self.facts}


class FineTuner(Learner[FineTuneConfig]):
    """One fine-tuning; the weights of a checkpoint bear the names by which diffusers finds them."""

    drawn_at_once = DRAWN_AT_ONCE

    def __init__(
        self,
        config: FineTuneConfig,
        images: TrainingImages,
        folder: Path,
        *,
        device: torch.device | None = None,
        group: DistributedGroup | None = None,
        tell: Tell = silent,
    ) -> None:
        images.check(config)
        super().__init__(config, len(images.pixels), group, device)
        check_prompts(len(set(images.prompts)), folder)
        pipe = load_pipeline(folder)
        self.schedule: Any = DDPMScheduler.from_config(pipe.scheduler.config)  # type: ignore[no-untyped-call]  # diffusers ships no types
        self.embeddings, self.prompt_of = self._encode(pipe, images.prompts, tell)
        self.means, self.spreads = self._latents(pipe.vae, images.in_eight_bits, tell)
        self.net: Any = pipe.unet.to(self.device).train()
        if config.gradient_checkpointing:
            self.net.enable_gradient_checkpointing()
        if config.rank:
            self._add_lora()
        self.joined = self.group.join(self.net)
        self.train_these(
            {name: weight for name, weight in self.net.named_parameters() if weight.requires_grad}
        )
        self.averages = self.weights
        self.published = _published(self.trained) if config.rank else {name: name for name in self.trained}
        self.pipe = _without_prompts(pipe)

    def _add_lora(self) -> None:
        from peft import LoraConfig

        self.net.requires_grad_(requires_grad=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            # alpha equals the rank, as the file that is written says nothing of it
            rank = self.config.rank
            self.net.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS))

    @torch.no_grad()
    def _latents(self, vae: Any, pixels: NDArray[np.uint8], tell: Tell) -> tuple[Tensor, Tensor]:
        """Mean and spread of every image's latent, scaled as the network is used to."""
        means, spreads = [], []
        vae = vae.to(self.device).eval()
        for start in range(0, len(pixels), ENCODED_AT_ONCE):
            tell(f"Encoding the images: {start:,} of {len(pixels):,}")
            some = torch.from_numpy(pixels[start : start + ENCODED_AT_ONCE]).to(self.device)
            colour = some[..., None].expand(-1, -1, -1, 3) if some.ndim == 3 else some
            encoded = vae.encode((colour.float() / 127.5 - 1).permute(0, 3, 1, 2)).latent_dist
            means.append(encoded.mean * vae.config.scaling_factor)
            spreads.append(encoded.std * vae.config.scaling_factor)
        return torch.cat(means), torch.cat(spreads)

    @torch.no_grad()
    def _encode(self, pipe: Any, prompts: Sequence[str], tell: Tell) -> tuple[Tensor, Tensor]:
        """Each distinct prompt encoded, the empty one first, and which of them belongs to each image."""
        texts = ["", *sorted(set(prompts) - {""})]
        numbers = {text: place for place, text in enumerate(texts)}
        encoder, encoded = pipe.text_encoder.to(self.device).eval(), []
        for place, text in enumerate(texts):
            if place % PROMPTS_BETWEEN_WORDS == 0:
                tell(f"Encoding the prompts: {place:,} of {len(texts):,}")
            tokens = pipe.tokenizer(
                text,
                padding="max_length",
                max_length=pipe.tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            )
            encoded.append(encoder(tokens.input_ids.to(self.device))[0])
        places = torch.tensor([numbers[prompt] for prompt in prompts], device=self.device)
        return torch.cat(encoded), places

    def draw(self, generator: torch.Generator, rows: NDArray[np.int64]) -> Draw:
        shape = (self.config.batch, *self.means.shape[1:])
        noise, grain = (torch.randn(shape, generator=generator, device=self.device) for _ in range(2))
        last = self.schedule.config.num_train_timesteps
        times = torch.randint(last, shape[:1], generator=generator, device=self.device)
        hidden = torch.rand(shape[:1], generator=generator, device=self.device) < self.config.prompt_dropout
        return Draw(rows, noise, times, hidden=hidden, grain=grain)

    def loss(self, draw: Draw) -> Tensor:
        hidden, grain = cast("tuple[Tensor, Tensor]", (draw.hidden, draw.grain))  # both are always drawn here
        rows = torch.from_numpy(draw.rows).to(self.device)
        latents = torch.addcmul(self.means[rows], self.spreads[rows], grain)
        embeddings = self.embeddings[self.prompt_of[rows].masked_fill(hidden, 0)]
        noisy = self.schedule.add_noise(latents, draw.noise, draw.times)
        velocity = self.schedule.config.prediction_type == "v_prediction"
        target = self.schedule.get_velocity(latents, draw.noise, draw.times) if velocity else draw.noise
        error: Tensor = self._predict(noisy, draw.times, embeddings).float() - target
        return error.square().mean()

    def _predict(self, noisy: Tensor, times: Tensor, embeddings: Tensor) -> Tensor:
        """In mixed precision; the noising and the error around it are in fp32."""
        with autocast(self.device, self.config.precision):
            predicted: Tensor = self.joined(noisy, times, embeddings).sample
        return predicted

    def images(self, places: Sequence[int], *, seed: int = 0) -> NDArray[np.uint8]:
        starts = range(0, len(places), DRAWN_AT_ONCE)
        return np.concatenate(
            [self._draw_batch(places[start : start + DRAWN_AT_ONCE], seed) for start in starts]
        )

    @torch.no_grad()
    def _draw_batch(self, places: Sequence[int], seed: int) -> NDArray[np.uint8]:
        config, prompts = self.config, len(self.embeddings) - 1
        prompt_index = [1 + place % prompts if prompts else 0 for place in places]
        generators = [torch.Generator().manual_seed(seed + place) for place in places]
        self.net.eval()
        with autocast(self.device, config.precision):
            images = self.pipe(
                prompt_embeds=self.embeddings[prompt_index],
                negative_prompt_embeds=self.embeddings[[0] * len(prompt_index)],
                height=config.size,
                width=config.size,
                num_inference_steps=config.sample_steps,
                generator=generators,
                output_type="np",
            ).images
        self.net.train()
        return np.stack([eight_bits(image, colour=config.channels == 3) for image in images])

    def save(self, folder: Path) -> Path:
        description = FineTuning(self.config, self.step, self.facts)
        weights = {self.published[name]: weight.detach() for name, weight in self.trained.items()}
        state = optimiser_state(self.trained, self.optimiser)
        self.last_checkpoint = checkpoint.write(folder, description, weights, state=state)
        return self.last_checkpoint

    @torch.no_grad()
    def restore(self, folder: Path) -> None:
        config = checkpoint.config_of(folder)
        if config.get("format") == EARLIER:
            raise CheckpointError("This fine-tuning was begun by an earlier version; start it anew.")
        weights = load_file(folder / checkpoint.WEIGHTS)
        if config.get("format") != FORMAT or weights.keys() != set(self.published.values()):
            raise CheckpointError(f"The checkpoint {folder.name} is of another pipeline or another rank.")
        for name, weight in self.trained.items():
            weight.copy_(weights[self.published[name]])
        restore_optimiser(self.trained, self.optimiser, checkpoint.load_state(folder))
        self.step, self.turn = int(config["step"]), int(config.get("facts", {}).get("turn", 0))
        self.last_checkpoint = folder


def _published(trained: Mapping[str, Tensor]) -> dict[str, str]:
    """By peft's names of the weights of a LoRA, what a LoRA file calls them."""
    from diffusers.utils.state_dict_utils import convert_state_dict_to_diffusers

    convert: Any = convert_state_dict_to_diffusers  # untyped in diffusers
    plain = convert({name.replace(".default.", "."): weight for name, weight in trained.items()})
    return {name: f"unet.{name_in_file}" for name, name_in_file in zip(trained, plain, strict=True)}


def _without_prompts(pipe: Any) -> Any:
    """The pipeline as it draws from prompts that are encoded already."""
    kind: Any = StableDiffusionPipeline  # diffusers ships no types
    pipeline = kind(
        vae=pipe.vae,
        text_encoder=None,
        tokenizer=None,
        unet=pipe.unet,
        scheduler=pipe.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load_pipeline(folder: Path) -> Any:
    """A Stable Diffusion of this folder's safetensors, in full precision. Raises ConfigError."""
    try:
        kind = PipelineSource(folder).classes()["_class_name"]
        if kind != "StableDiffusionPipeline":
            raise ConfigError(f"{folder.name} is a {kind}; only a StableDiffusionPipeline can be fine-tuned.")
        return StableDiffusionPipeline.from_pretrained(  # type: ignore[no-untyped-call]  # diffusers ships no types
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            safety_checker=None,
            feature_extractor=None,
            image_encoder=None,
            requires_safety_checker=False,
        )
    except (PipelineError, OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"The pipeline {folder.name} cannot be loaded: {error}") from error
