"""What an experiment is told: one dataclass and presets by domain."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from generation.diffusion.run_config import is_finite

ARCHITECTURES = (
    "densenet121",
    "efficientnet-b0",
    "resnet18",
    "tiny-densenet",
    "tiny-efficientnet",
    "tiny-resnet",
)
MOST_SEEDS = 20
PRETRAINED, ALL = "pretrained", "all"
FURTHER_ARMS = (PRETRAINED, ALL)
MOST_SUBGROUPS = 12  # attributes, each with groups of its own
SUBGROUPS = ("sex", "age_band", "view", "site")


class UtilityConfigError(ValueError):
    """A setting that cannot be; the message names it and what it may be."""


@dataclass(frozen=True)
class UtilityConfig:
    """The networks, their budget and the arms of an experiment.

    `ratios` are the synthetic images per real one in the mixed arms, `shares` the parts of the synthetic images
    in the learning curve. `weights` names, by architecture, a file of the home's models/weights to start from.
    `labels` are the findings to tell apart, all where none is named; `without_copies` leaves training images out
    that are copies of test images, instead of refusing. `further_arms` are some of `FURTHER_ARMS`: one that is trained
    on the synthetic images for `steps` steps and then on the real ones for as many as “real only”, and one on all of
    both in as many steps as “real only”. `subgroups` are the stored attributes that the test images are told apart by.
    """

    architectures: tuple[str, ...] = ("densenet121", "efficientnet-b0", "resnet18")
    seeds: int = 3
    size: int = 224
    colour: bool = False
    steps: int = 3000
    batch: int = 32
    learning_rate: float = 5e-4
    augment: bool = True
    ratios: tuple[float, ...] = (0.5, 1.0)
    shares: tuple[float, ...] = (0.1, 0.25, 0.5)
    resamples: int = 2000
    explained: int = 8
    lime_samples: int = 120
    seed: int = 0
    weights: Mapping[str, str] = field(default_factory=dict)
    without_copies: bool = False
    labels: tuple[str, ...] = ()
    further_arms: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = SUBGROUPS

    def __post_init__(self) -> None:
        unknown = sorted(set(self.architectures) - set(ARCHITECTURES))
        _check(
            not unknown,
            f"there is no architecture {', '.join(unknown)}; there are {', '.join(ARCHITECTURES)}",
        )
        _check(bool(self.architectures), "name at least one architecture")
        _check(1 <= self.seeds <= MOST_SEEDS, f"seeds are from 1 to {MOST_SEEDS}")
        _check(32 <= self.size <= 512, "size is from 32 to 512 pixels")
        for name in ("steps", "batch"):
            _check(getattr(self, name) >= 2, f"{name} must be at least 2")
        _check(self.learning_rate > 0, "learning_rate must be above 0")
        _check(all(ratio > 0 for ratio in self.ratios), "ratios must be above 0")
        _check(all(0 < share < 1 for share in self.shares), "shares are above 0 and below 1")
        _check(self.resamples >= 200, "resamples must be at least 200")
        _check(self.explained >= 0, "explained cannot be below 0")
        strangers = sorted(set(self.further_arms) - set(FURTHER_ARMS))
        _check(
            not strangers,
            f"there is no further arm {', '.join(strangers)}; there are {', '.join(FURTHER_ARMS)}",
        )
        _check(len(self.subgroups) <= MOST_SUBGROUPS, f"there are at most {MOST_SUBGROUPS} subgroups")
        _check(len(self.labels) != 1, "name at least two labels, or none for all")
        _check(
            all(name == Path(name).name for name in self.weights.values()),
            "a weights file is named without its folder",
        )
        _check(self.lime_samples >= 20, "lime_samples must be at least 20")

    def as_json(self) -> dict[str, object]:
        return dataclasses.asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """A checked config; `preset` names one to start from. Raises UtilityConfigError."""
        settings = dict(values)
        preset = settings.pop("preset", None)
        if preset is not None and preset not in PRESETS:
            raise UtilityConfigError(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
        if unknown := sorted(set(settings) - {part.name for part in dataclasses.fields(cls)}):
            raise UtilityConfigError(f"Unknown setting: {', '.join(unknown)}.")
        merged = {**(PRESETS[preset] if preset else {}), **settings}
        for name, value in settings.items():
            _check(is_finite(value), f"{name} must be finite")
        try:
            for name in ("architectures", "ratios", "shares", "labels", "further_arms", "subgroups"):
                if name in merged:
                    merged[name] = tuple(merged[name])
            return cls(**merged)
        except TypeError as error:
            raise UtilityConfigError(f"A setting has the wrong type: {error}.") from error


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise UtilityConfigError(f"In the experiment's settings: {rule}.")


PRESETS: dict[str, dict[str, object]] = {
    # A trial run: small networks, few steps.
    "tiny": {
        "architectures": ("tiny-densenet", "tiny-efficientnet", "tiny-resnet"),
        "seeds": 2,
        "size": 48,
        "steps": 40,
        "batch": 16,
        "learning_rate": 3e-3,
        "augment": False,
        "ratios": (1.0,),
        "shares": (0.5,),
        "resamples": 1000,
        "explained": 2,
        "lime_samples": 60,
    },
    # The rest wants a GPU. One for each domain: what differs is colour and how far images may be shrunk.
    "xray": {"size": 224},
    "lung-ct": {"size": 224},
    "brain-mri": {"size": 224},
    "blood-smear": {"size": 224, "colour": True},
}
