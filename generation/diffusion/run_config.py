"""What every kind of training is told: its size, its budget, what is kept of it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from generation.diffusion.kept_metric import METRICS, is_metric

# fp16 is for sampling: without a loss scaler its small gradients vanish.
PRECISIONS = ("auto", "fp32", "bf16")
DECAYS = ("cosine", "constant")
AT_LEAST_ONE = (
    *("steps", "batch", "accumulate", "checkpoint_every", "keep_checkpoints"),
    *("sample_count", "sample_steps"),
)

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class ConfigError(ValueError):
    """A setting that cannot be; the message names it and what it may be."""


@dataclass(frozen=True)
class RunConfig:
    """The settings a network of our own and a fine-tuning share; docs/training.md explains each.

    `batch` images make a step whatever `accumulate` and the number of processes. Kept are the newest
    `keep_checkpoints` and, where `keep_best` names a metric, the one with its lowest value, in the run's folder; in the
    site's tables all, or the newest `keep_stored` with the best, the named and what something rests on. `extractors`
    names declared ones that measure each checkpoint beside the site's own. Where more than the share `most_copies` of the measured samples are copies of training images, the site pauses the run.
    """

    size: int = 64
    channels: int = 1
    steps: int = 2000
    batch: int = 32
    accumulate: int = 1
    learning_rate: float = 1e-3
    warmup: int = 100
    decay: str = "cosine"
    clip_gradient: float = 1.0
    precision: str = "auto"
    gradient_checkpointing: bool = False
    deterministic: bool = False
    seed: int = 0
    checkpoint_every: int = 500
    checkpoint_minutes: float = 15.0
    keep_checkpoints: int = 3
    keep_best: str = ""
    keep_stored: int = 0
    extractors: tuple[str, ...] = ()
    most_copies: float = 1.0
    sample_count: int = 8
    sample_steps: int = 20

    def __post_init__(self) -> None:
        self._check_types()
        for name in AT_LEAST_ONE:
            check(getattr(self, name) >= 1, f"{name} must be at least 1")
        check(self.channels in {1, 3}, "channels must be 1 (grey) or 3 (RGB)")
        check(self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}")
        check(self.decay in DECAYS, f"decay must be one of {', '.join(DECAYS)}")
        check(
            not self.keep_best or is_metric(self.keep_best),
            f"keep_best must be empty or one of {', '.join(METRICS)}, or fid: or kid: with an extractor's name",
        )
        check(all(isinstance(name, str) for name in self.extractors), "extractors are names")
        check(self.keep_stored >= 0, "keep_stored must not be negative")
        check(0 <= self.most_copies <= 1, "most_copies is a share, from 0 to 1")
        check(self.batch % self.accumulate == 0, "batch must be a multiple of accumulate")
        check(self.learning_rate > 0, "learning_rate must be above 0")
        check(self.clip_gradient > 0, "clip_gradient must be above 0")
        check(self.checkpoint_minutes >= 0, "checkpoint_minutes must not be negative")

    def _check_types(self) -> None:
        """Each plain setting is of the kind its default is; a whole number may stand for any number."""
        for field in dataclasses.fields(self):
            kind = str if field.default is dataclasses.MISSING else type(field.default)
            value = getattr(self, field.name)
            if kind in KINDS and type(value) is not kind and not (kind is float and type(value) is int):
                raise ConfigError(f"A setting has the wrong type: {field.name} is {KINDS[kind]}.")

    def as_json(self) -> dict[str, object]:
        return dataclasses.asdict(self)

    def as_toml(self) -> str:
        """The settings as the file that gives the same config again."""
        return toml_of(self.as_json())

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """A checked config. Raises ConfigError."""
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ConfigError(f"Unknown setting: {', '.join(sorted(unknown))}.")
        for name, value in values.items():
            check(is_finite(value), f"{name} must be finite")
        if isinstance(values.get("extractors"), list):
            values = {**values, "extractors": tuple(values["extractors"])}
        try:
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"A setting has the wrong type: {error}.") from error


def is_finite(value: object) -> bool:
    """Whether no number in it is infinite or none at all, as TOML can write them: the database's JSON holds neither."""
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def check(holds: bool, rule: str) -> None:
    if not holds:
        raise ConfigError(f"In the training config, {rule}.")


def toml_of(settings: Mapping[str, Any]) -> str:
    """Settings as a TOML file holds them, one a line."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in settings.items())


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # numbers, booleans and plain text are written alike in both
