"""What a training run is told: one dataclass, presets by name, TOML and JSON in and out."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

OBJECTIVES = ("flow", "epsilon", "v_prediction")
# The samplers that fit each objective, the default first.
SAMPLERS = {
    "flow": ("flow-euler", "flow-heun"),
    "epsilon": ("ddim", "ddpm", "dpm-solver++"),
    "v_prediction": ("ddim", "ddpm", "dpm-solver++"),
}
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


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
    """The network, the objective and the budget of one run.

    `patch` folds that many pixels a side into channels in front of the network (space to depth), which
    makes large pictures affordable; `widths` are the channels of the levels, attention at the lowest.
    Kept are the newest `keep_checkpoints` and, where `keep_best` names a metric, the one with its lowest value.
    """

    size: int = 64
    channels: int = 1
    patch: int = 2
    widths: tuple[int, ...] = (32, 64, 96)
    layers: int = 1
    head_dim: int = 16
    objective: str = "flow"
    train_timesteps: int = 1000
    classes: tuple[PictureClass, ...] = ()
    label_dropout: float = 0.1
    steps: int = 2000
    batch: int = 32
    learning_rate: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.0
    clip_gradient: float = 1.0
    ema_decay: float = 0.999
    precision: str = "auto"
    seed: int = 0
    checkpoint_every: int = 500
    keep_checkpoints: int = 3
    keep_best: str = ""
    sample_count: int = 8
    sample_steps: int = 20

    def __post_init__(self) -> None:
        _check(self.objective in OBJECTIVES, f"objective must be one of {', '.join(OBJECTIVES)}")
        _check(self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}")
        _check(self.channels in {1, 3}, "channels must be 1 (grey) or 3 (RGB)")
        _check(len(self.widths) > 0, "widths must name at least one level")
        _check(
            all(w % self.head_dim == 0 and w % 8 == 0 for w in self.widths),
            "widths must be multiples of head_dim and 8",
        )
        unit = self.patch * 2 ** (len(self.widths) - 1)
        _check(
            self.size > 0 and self.size % unit == 0,
            f"size must be a multiple of {unit} with this patch and widths",
        )
        for name in (
            "patch",
            "layers",
            "steps",
            "batch",
            "checkpoint_every",
            "keep_checkpoints",
            "sample_steps",
        ):
            _check(getattr(self, name) >= 1, f"{name} must be at least 1")
        _check(0 <= self.label_dropout < 1, "label_dropout must be from 0 to below 1")
        _check(self.learning_rate > 0, "learning_rate must be above 0")

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
        if "widths" in values:
            values["widths"] = tuple(values["widths"])
        if "classes" in values:
            values["classes"] = tuple(
                PictureClass(c["modality"], c.get("label", "")) for c in values["classes"]
            )
        try:
            return cls(**{**(PRESETS[preset] if preset else {}), **values})
        except TypeError as error:
            raise ConfigError(f"A setting has the wrong type: {error}.") from error

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        try:
            return cls.from_mapping(tomllib.loads(path.read_text()))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"The config {path} cannot be read: {error}.") from error


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise ConfigError(f"In the training config, {rule}.")


PRESETS: dict[str, dict[str, Any]] = {
    # Minutes on two CPU cores.
    "tiny": {"size": 64, "patch": 2, "widths": (32, 64, 96), "steps": 1500, "batch": 32},
    # An hour on CPU cores, minutes on a GPU.
    "small": {"size": 128, "patch": 4, "widths": (64, 96, 128), "layers": 2, "steps": 10_000, "batch": 32},
    # 256 x 256 as the published X-ray models have; wants a GPU.
    "paper-256": {
        "size": 256,
        "patch": 4,
        "widths": (128, 256, 384),
        "layers": 2,
        "head_dim": 64,
        "steps": 100_000,
        "batch": 32,
        "learning_rate": 2e-4,
        "warmup": 1000,
        "ema_decay": 0.9999,
        "checkpoint_every": 5000,
    },
}
