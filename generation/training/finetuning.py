"""Fine-tuning a local Stable Diffusion on pictures with prompts: a LoRA beside its network, or all of it.

Latents and prompts are encoded once, before the first step; then only the denoising network is in memory. The
random numbers of a step depend on the seed and the step alone, so that a resumed run goes on as if unbroken.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from generation.training import checkpoint
from generation.training.config import PRECISIONS, ConfigError
from generation.training.errors import CheckpointError
from generation.training.network import autocast

FORMAT = "lungrater-finetuning-1"
TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
ENCODED_AT_ONCE = 4


@dataclass(frozen=True)
class FineTuneConfig:
    """What a fine-tuning is told; `rank` 0 trains the whole network, above it a LoRA of that rank."""

    pipeline: str
    prompt: str = "{modality}, {finding}"
    rank: int = 8
    size: int = 512
    steps: int = 1000
    batch: int = 4
    learning_rate: float = 1e-4
    prompt_dropout: float = 0.1
    clip_gradient: float = 1.0
    precision: str = "auto"
    seed: int = 0
    checkpoint_every: int = 250
    keep_checkpoints: int = 2

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every", "keep_checkpoints"):
            _check(getattr(self, name) >= 1, f"{name} must be at least 1")
        _check(self.rank >= 0, "rank must be 0, for all of the network, or the rank of a LoRA")
        _check(self.size >= 8 and self.size % 8 == 0, "size must be a multiple of 8")
        _check(self.learning_rate > 0, "learning_rate must be above 0")
        _check(0 <= self.prompt_dropout < 1, "prompt_dropout must be from 0 to below 1")
        _check(self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}")

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> Self:
        """A checked config. Raises ConfigError."""
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(
                f"A setting of the fine-tuning is unknown or of the wrong type: {error}."
            ) from error

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise ConfigError(f"In the fine-tuning's settings, {rule}.")


@dataclass(frozen=True)
class Lesson:
    """The pictures to learn from, uint8 (n, size, size, 3), and what each one's prompt says."""

    pixels: NDArray[np.uint8]
    prompts: Sequence[str]


@dataclass(frozen=True)
class Progress:
    step: int
    loss: float
    images_per_second: float


@dataclass(frozen=True)
class _Noted:
    """What a checkpoint's config.json says."""

    config: FineTuneConfig
    step: int

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "step": self.step, "config": self.config.as_json()}


class FineTuner:
    """One fine-tuning: the network, what of it is trained, the optimiser and the step."""

    def __init__(
        self, config: FineTuneConfig, pipe: Any, lesson: Lesson, *, pulse: Callable[[], None] = lambda: None
    ) -> None:
        self.config, self.step = config, 0
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.schedule: Any = DDPMScheduler.from_config(pipe.scheduler.config)  # type: ignore[no-untyped-call]  # diffusers ships no types
        self.means, self.spreads = self._latents(pipe, lesson, pulse)
        self.said, self.prompt_of = self._said(pipe, lesson, pulse)
        self.net = pipe.unet.to(self.device).train()
        if config.rank:
            self._add_lora()
        self.trained: dict[str, Tensor] = {
            name: weight for name, weight in self.net.named_parameters() if weight.requires_grad
        }
        self.optimiser = torch.optim.AdamW(self.trained.values(), lr=config.learning_rate)

    def _add_lora(self) -> None:
        from peft import LoraConfig

        self.net.requires_grad_(requires_grad=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            # alpha equals the rank, as the file that is written at the end says nothing of it
            rank = self.config.rank
            self.net.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS))

    @torch.no_grad()
    def _latents(self, pipe: Any, lesson: Lesson, pulse: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Mean and spread of every picture's latent, scaled as the network is used to."""
        vae, means, spreads = pipe.vae.to(self.device).eval(), [], []
        for start in range(0, len(lesson.pixels), ENCODED_AT_ONCE):
            pulse()
            some = torch.from_numpy(lesson.pixels[start : start + ENCODED_AT_ONCE]).to(self.device)
            encoded = vae.encode((some.float() / 127.5 - 1).permute(0, 3, 1, 2)).latent_dist
            means.append(encoded.mean * vae.config.scaling_factor)
            spreads.append(encoded.std * vae.config.scaling_factor)
        return torch.cat(means), torch.cat(spreads)

    @torch.no_grad()
    def _said(self, pipe: Any, lesson: Lesson, pulse: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Each distinct prompt encoded, the empty one first, and which of them belongs to each picture."""
        texts = ["", *sorted(set(lesson.prompts) - {""})]
        encoder, encoded = pipe.text_encoder.to(self.device).eval(), []
        for text in texts:
            pulse()
            tokens = pipe.tokenizer(
                text,
                padding="max_length",
                max_length=pipe.tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            )
            encoded.append(encoder(tokens.input_ids.to(self.device))[0])
        places = torch.tensor([texts.index(prompt) for prompt in lesson.prompts], device=self.device)
        return torch.cat(encoded), places

    def train_step(self) -> float:
        """Take one step and return its loss. Raises ConfigError when it is no longer a number."""
        loss = self.loss(self._dice())
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(list(self.trained.values()), self.config.clip_gradient)
        if not math.isfinite(value := float(loss.item())):
            raise ConfigError(
                f"The loss stopped being a number at step {self.step}; lower the learning_rate."
            )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        return value

    def loss(self, dice: torch.Generator) -> Tensor:
        """The mean squared error over the batch, times and noise that these random numbers draw."""
        config = self.config
        rows = torch.randint(len(self.means), (config.batch,), generator=dice).to(self.device)
        latents = self.means[rows]
        latents = latents + self.spreads[rows] * torch.randn(latents.shape, generator=dice).to(self.device)
        noise = torch.randn(latents.shape, generator=dice).to(self.device)
        last = self.schedule.config.num_train_timesteps
        at = torch.randint(last, (config.batch,), generator=dice).to(self.device)
        dropped = (torch.rand(config.batch, generator=dice) < config.prompt_dropout).to(self.device)
        said = self.said[self.prompt_of[rows].masked_fill(dropped, 0)]
        noisy = self.schedule.add_noise(latents, noise, at)
        velocity = self.schedule.config.prediction_type == "v_prediction"
        target = self.schedule.get_velocity(latents, noise, at) if velocity else noise
        with autocast(self.device, config.precision):
            predicted = self.net(noisy, at, said).sample
        error: Tensor = predicted.float() - target
        return error.square().mean()

    def _dice(self) -> torch.Generator:
        word = np.random.SeedSequence([self.config.seed, self.step]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(word >> np.uint64(1)))

    def save(self, run: Path) -> Path:
        """A checkpoint to go on from; older ones go once it is safely on disk."""
        state = {
            f"{name}|{kind}": value
            for name, weight in self.trained.items()
            for kind, value in self.optimiser.state[weight].items()
        }
        folder = run / f"step-{self.step:08d}"
        weights = {name: weight.detach() for name, weight in self.trained.items()}
        checkpoint.write(folder, _Noted(self.config, self.step), weights, state=state)
        checkpoint.prune(run, keep=self.config.keep_checkpoints)
        return folder

    def restore(self, folder: Path) -> None:
        """Go on as if there had been no break. Raises CheckpointError when it is of another fine-tuning."""
        noted = json.loads((folder / checkpoint.CONFIG).read_text())
        weights = load_file(folder / checkpoint.WEIGHTS)
        if noted.get("format") != FORMAT or weights.keys() != self.trained.keys():
            raise CheckpointError(f"The checkpoint {folder.name} is of another fine-tuning.")
        state = checkpoint.load_state(folder)
        with torch.no_grad():
            for name, weight in self.trained.items():
                weight.copy_(weights[name])
                kinds = [key for key in state if key.startswith(f"{name}|")]
                self.optimiser.state[weight] = {
                    key.rpartition("|")[2]: _on(state[key], weight) for key in kinds
                }
        self.step = int(noted["step"])


def _on(value: Tensor, weight: Tensor) -> Tensor:
    """The step count stays on the CPU, where the optimiser keeps it."""
    return value.to(weight.device) if value.shape == weight.shape and value.ndim else value


def load_pipeline(folder: Path) -> Any:
    """A Stable Diffusion of this folder's safetensors, in full precision. Raises ConfigError."""
    from generation.engines.pipeline import PipelineSource
    from generation.engines.protocol import EngineError

    try:
        kind = PipelineSource(folder).classes()["_class_name"]
        if kind != "StableDiffusionPipeline":
            raise ConfigError(f"{folder.name} is a {kind}; only a StableDiffusionPipeline can be fine-tuned.")
        return StableDiffusionPipeline.from_pretrained(  # type: ignore[no-untyped-call]  # diffusers ships no types
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            torch_dtype=torch.float32,
            safety_checker=None,
            feature_extractor=None,
            image_encoder=None,
            requires_safety_checker=False,
        )
    except (EngineError, OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"The pipeline {folder.name} cannot be loaded: {error}") from error


def finetune(tuner: FineTuner, run: Path) -> Iterator[Progress]:
    """The fine-tuning step by step, from the newest checkpoint in `run` on."""
    config, newest = tuner.config, checkpoint.latest(run)
    if newest is not None:
        tuner.restore(newest)
    began, first = time.monotonic(), tuner.step
    while tuner.step < config.steps:
        loss = tuner.train_step()
        if tuner.step % config.checkpoint_every == 0 or tuner.step == config.steps:
            tuner.save(run)
        pace = (tuner.step - first) * config.batch / max(1e-9, time.monotonic() - began)
        yield Progress(tuner.step, loss, pace)


def publish(tuner: FineTuner, pipe: Any, name: str, *, loras: Path, pipelines: Path) -> Path:
    """The LoRA file or the pipeline folder of this name, where the pipeline engine looks; whole or not there."""
    if not tuner.config.rank:
        target, part = pipelines / name, pipelines / f".{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        pipe.save_pretrained(str(part), safe_serialization=True)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
        return target
    from diffusers.utils.state_dict_utils import convert_state_dict_to_diffusers
    from peft.utils import get_peft_model_state_dict

    loras.mkdir(parents=True, exist_ok=True)
    part = loras / f".{name}.part"
    named: Any = convert_state_dict_to_diffusers  # untyped in diffusers
    layers = named(get_peft_model_state_dict(tuner.net))
    StableDiffusionPipeline.save_lora_weights(
        str(loras), unet_lora_layers=layers, weight_name=part.name, safe_serialization=True
    )
    with part.open("rb") as written:
        os.fsync(written.fileno())
    return part.rename(loras / f"{name}.safetensors")
