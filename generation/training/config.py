"""What a training run is told: one dataclass, checked; TOML, JSON and `key=value` in."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from generation.training.presets import PRESETS

OBJECTIVES = ("flow", "epsilon", "v_prediction")
# The samplers that fit each objective, the default first.
SAMPLERS = {
    "flow": ("flow-euler", "flow-heun"),
    "epsilon": ("ddim", "ddpm", "dpm-solver++"),
    "v_prediction": ("ddim", "ddpm", "dpm-solver++"),
}
SCHEDULES = ("cosine", "linear")
# fp16 is for sampling: without a loss scaler its small gradients vanish.
PRECISIONS = ("auto", "fp32", "bf16")
OWN_AUTOENCODER = "own"
AT_LEAST_ONE = (
    "patch",
    "layers",
    "steps",
    "batch",
    "accumulate",
    "checkpoint_every",
    "keep_checkpoints",
    "sample_steps",
    "latent_channels",
    "latent_steps",
)


class ConfigError(ValueError):
    """A setting that cannot be; the message names it and what it may be."""


@dataclass(frozen=True)
class PictureClass:
    """What a class-conditional model was told about a picture."""

    modality: str
    label: str

    def __str__(self) -> str:
        return f"{self.modality}/{self.label}" if self.label else self.modality


@dataclass(frozen=True)
class TrainingConfig:
    """The network, the objective and the budget of one run; docs/training.md explains each.

    `patch` folds that many pixels a side into channels in front of the network (space to depth), which
    makes large pictures affordable; `widths` are the channels of the levels, attention at the lowest.
    `latent` is empty for pixel space, "own" for a small autoencoder trained on the same pictures, or the
    folder of a diffusers AutoencoderKL. `batch` pictures make a step whatever `accumulate` and the number of
    processes. Kept are the newest `keep_checkpoints` and, where `keep_best` names a metric, the one with
    its lowest value.
    """

    size: int = 64
    channels: int = 1
    patch: int = 2
    widths: tuple[int, ...] = (32, 64, 96)
    layers: int = 1
    head_dim: int = 16
    latent: str = ""
    latent_channels: int = 4
    latent_widths: tuple[int, ...] = (32, 64, 64)
    latent_steps: int = 2000
    objective: str = "flow"
    schedule: str = "cosine"
    zero_terminal_snr: bool = False
    min_snr_gamma: float = 0.0
    train_timesteps: int = 1000
    classes: tuple[PictureClass, ...] = ()
    label_dropout: float = 0.1
    augment: float = 0.0
    flip: bool = False
    steps: int = 2000
    batch: int = 32
    accumulate: int = 1
    learning_rate: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.0
    clip_gradient: float = 1.0
    ema_decay: float = 0.999
    precision: str = "auto"
    compile: bool = False
    gradient_checkpointing: bool = False
    deterministic: bool = False
    seed: int = 0
    checkpoint_every: int = 500
    checkpoint_minutes: float = 15.0
    keep_checkpoints: int = 3
    keep_best: str = ""
    sample_count: int = 8
    sample_steps: int = 20

    def __post_init__(self) -> None:
        for name in AT_LEAST_ONE:
            _check(getattr(self, name) >= 1, f"{name} must be at least 1")
        self._check_network()
        self._check_objective()
        _check(self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}")
        _check(self.batch % self.accumulate == 0, "batch must be a multiple of accumulate")
        _check(0 <= self.label_dropout < 1, "label_dropout must be from 0 to below 1")
        _check(0 <= self.augment <= 1, "augment is a probability, from 0 to 1")
        _check(self.learning_rate > 0, "learning_rate must be above 0")
        _check(0 <= self.ema_decay < 1, "ema_decay must be from 0 to below 1")
        _check(self.checkpoint_minutes >= 0, "checkpoint_minutes must not be negative")

    def _check_network(self) -> None:
        _check(self.channels in {1, 3}, "channels must be 1 (grey) or 3 (RGB)")
        _check(len(self.widths) > 0, "widths must name at least one level")
        _check(
            all(w % self.head_dim == 0 and w % 8 == 0 for w in self.widths),
            "widths must be multiples of head_dim and 8",
        )
        _check(
            len(self.latent_widths) > 0 and all(w % 8 == 0 for w in self.latent_widths),
            "latent_widths must be multiples of 8",
        )
        unit = self.patch * 2 ** (len(self.widths) - 1) * self.latent_factor
        _check(
            self.size > 0 and self.size % unit == 0,
            f"size must be a multiple of {unit} with this patch, these widths and this latent space",
        )

    def _check_objective(self) -> None:
        _check(self.objective in OBJECTIVES, f"objective must be one of {', '.join(OBJECTIVES)}")
        _check(self.schedule in SCHEDULES, f"schedule must be one of {', '.join(SCHEDULES)}")
        _check(
            not self.zero_terminal_snr or self.objective == "v_prediction",
            "zero_terminal_snr needs the objective v_prediction: at pure noise there is no epsilon to learn, "
            "and flow ends there anyway",
        )
        _check(self.min_snr_gamma >= 0, "min_snr_gamma must not be negative")
        _check(
            not self.min_snr_gamma or self.objective != "flow",
            "min_snr_gamma belongs to epsilon and v_prediction; flow weighs by how it draws its times",
        )

    @property
    def latent_factor(self) -> int:
        """How many pixels a side one latent value stands for."""
        return int(2 ** (len(self.latent_widths) - 1)) if self.latent else 1

    @property
    def net_channels(self) -> int:
        """The channels of what is noised: those of the picture or of its latent."""
        return self.latent_channels if self.latent else self.channels

    @property
    def net_size(self) -> int:
        return self.size // self.latent_factor

    @property
    def null_class(self) -> int:
        """The class number that stands for 'not told'."""
        return len(self.classes)

    def class_number(self, wanted: PictureClass) -> int:
        if wanted not in self.classes:
            known = ", ".join(map(str, self.classes)) or "none, it is unconditional"
            raise ConfigError(f"This model has no class {wanted}; it has: {known}.")
        return self.classes.index(wanted)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> Self:
        """A checked config; `preset` names one to start from. Raises ConfigError."""
        values = dict(values)
        preset = values.pop("preset", None)
        if preset is not None and preset not in PRESETS:
            raise ConfigError(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ConfigError(f"Unknown setting: {', '.join(sorted(unknown))}.")
        try:
            for name in {"widths", "latent_widths"} & set(values):
                values[name] = tuple(values[name])
            if "classes" in values:
                values["classes"] = tuple(
                    PictureClass(c["modality"], c.get("label", "")) for c in values["classes"]
                )
            return cls(**{**(PRESETS[preset] if preset else {}), **values})
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"A setting has the wrong type: {error}.") from error

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The config a TOML file holds. Raises ConfigError."""
        return cls.from_mapping(settings_in(path))


def settings_in(path: Path) -> dict[str, Any]:
    """The settings a TOML file holds, not yet checked. Raises ConfigError."""
    try:
        return settings_of(path.read_text(), name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config {path} cannot be read: {error}.") from error


def settings_of(toml: str, *, name: str = "given") -> dict[str, Any]:
    """The settings a TOML text holds, not yet checked. Raises ConfigError."""
    try:
        return tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The config {name} cannot be read: {error}.") from error


def settings_from(words: Iterable[str]) -> dict[str, Any]:
    """Settings from `key=value` words, each value as TOML writes it or else plain text. Raises ConfigError."""
    given: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"A setting is written key=value, not {word!r}.")
        try:
            given[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            given[key.strip()] = value.strip()
    return given


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise ConfigError(f"In the training config, {rule}.")


__all__ = [
    "PRESETS",
    "ConfigError",
    "PictureClass",
    "TrainingConfig",
    "settings_from",
    "settings_in",
    "settings_of",
]
