"""What the training of a network of our own is told: checked settings; TOML, JSON and `key=value` in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from generation.diffusion.attributes import Attribute
from generation.diffusion.presets import PRESETS
from generation.diffusion.run_config import ConfigError, RunConfig, check
from generation.diffusion.text.condition import NAME as TEXT
from generation.diffusion.text.condition import TextCondition
from pool.canonical.window_words import window_range

OBJECTIVES = ("flow", "epsilon", "v_prediction")
# The samplers that fit each objective, the default first.
SAMPLERS = {
    "flow": ("flow-euler", "flow-heun"),
    "epsilon": ("ddim", "ddpm", "dpm-solver++"),
    "v_prediction": ("ddim", "ddpm", "dpm-solver++"),
}
# A scheduler of another program's pipeline, and what it is called here.
FOREIGN_SAMPLERS = {"DDPMScheduler": "ddpm", "DDIMScheduler": "ddim"}
SCHEDULES = ("cosine", "linear")
OWN_AUTOENCODER = "own"
KL_WEIGHT = 1e-6  # Rombach et al. 2022, against an error that is summed over an image
# The side at which times are drawn unshifted: of latents, those of the 256² images that Esser et al. 2024 begin with;
# of pixels, that of Hoogeboom et al. 2023, whose shift of the logarithmic SNR is the same one.
UNSHIFTED_SIDE = {"latents": 32, "pixels": 64}
NETWORKS = ("unet", "transformer")
CAME_LATER = {TEXT, "bits", "window", "post_hoc_ema"}
AT_LEAST_ONE = ("patch", "layers", "depth", "width", "heads", "latent_channels", "latent_steps")


@dataclass(frozen=True)
class ImageClass:
    """What a class-conditional model was told about an image."""

    modality: str
    label: str

    def __str__(self) -> str:
        return f"{self.modality}/{self.label}" if self.label else self.modality


@dataclass(frozen=True)
class TrainingConfig(RunConfig):
    """The network, the objective and the budget of one run; docs/training.md explains each.

    `network` is a UNet or a transformer. `patch` folds that many pixels a side into channels in front of the UNet
    (space to depth), which makes large images affordable, or into a token of the transformer; `widths` are the
    channels of the UNet's levels, attention at the lowest; `width` is that of the transformer's `depth` blocks.
    `unet_config` and `scheduler_config` are those of diffusers, as JSON, of a UNet that came from another program.
    `latent` is empty for pixel space, "own" for a small autoencoder trained on the same images, or the
    folder of a diffusers AutoencoderKL (on a site, its name). With 16 `bits` the grey levels are those that the pool has, under `window` of all images. `time_shift` moves flow's times towards noise, 0 by the size (`shift`).
    """

    bits: int = 8
    window: str = ""
    network: str = "unet"
    unet_config: str = ""
    scheduler_config: str = ""
    patch: int = 2
    widths: tuple[int, ...] = (32, 64, 96)
    layers: int = 1
    head_dim: int = 16
    depth: int = 12
    width: int = 384
    heads: int = 6
    latent: str = ""
    latent_channels: int = 4
    latent_widths: tuple[int, ...] = (32, 64, 64)
    latent_steps: int = 2000
    latent_perceptual: float = 0.0
    latent_adversarial: float = 0.0
    latent_adversarial_start: int = 1000
    objective: str = "flow"
    schedule: str = "cosine"
    zero_terminal_snr: bool = False
    min_snr_gamma: float = 0.0
    time_shift: float = 1.0
    train_timesteps: int = 1000
    classes: tuple[ImageClass, ...] = ()
    label_dropout: float = 0.1
    attributes: tuple[Attribute, ...] = ()
    text: TextCondition | None = None
    augment: float = 0.0
    flip: bool = False
    weight_decay: float = 0.0
    ema_decay: float = 0.999
    post_hoc_ema: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in AT_LEAST_ONE:
            check(getattr(self, name) >= 1, f"{name} must be at least 1")
        self._check_network()
        self._check_objective()
        names = [attribute.name for attribute in self.attributes]
        check(len(set(names)) == len(names), "attributes must have different names")
        check(self.text is None or TEXT not in names, f"beside a text no attribute may be called {TEXT}")
        check(self.text is None or not self.unet_config, "a network of another program is told no text")
        check(0 <= self.label_dropout < 1, "label_dropout must be from 0 to below 1")
        check(0 <= self.augment <= 1, "augment is a probability, from 0 to 1")
        check(0 <= self.ema_decay < 1, "ema_decay must be from 0 to below 1")
        check(self.bits in {8, 16}, "bits must be 8 or 16")
        check(self.bits == 8 or self.channels == 1, "16 bits are of grey images")
        check(self.bits == 16 or not self.window, "window belongs to bits = 16")
        check(
            not self.window or window_range(self.window) is not None,
            "window must be CENTRE/WIDTH, such as -600/1500",
        )

    def _check_network(self) -> None:
        check(self.network in NETWORKS, f"network must be one of {', '.join(NETWORKS)}")
        check(
            self.width % self.heads == 0 and self.width % 4 == 0,
            "width must be a multiple of heads, and of 4",
        )
        check(len(self.widths) > 0, "widths must name at least one level")
        check(
            bool(self.unet_config) == bool(self.scheduler_config),
            "unet_config and scheduler_config come together",
        )
        check(
            bool(self.unet_config) or all(w % self.head_dim == 0 and w % 8 == 0 for w in self.widths),
            "widths must be multiples of head_dim and 8",
        )
        check(
            min(self.latent_perceptual, self.latent_adversarial, self.latent_adversarial_start) >= 0,
            "latent_perceptual, latent_adversarial and latent_adversarial_start must not be negative",
        )
        check(
            self.latent == OWN_AUTOENCODER or not (self.latent_perceptual or self.latent_adversarial),
            "latent_perceptual and latent_adversarial teach an autoencoder that is learned here: "
            f'set latent to "{OWN_AUTOENCODER}", or both to 0',
        )
        check(
            not self.latent_adversarial or self.latent_adversarial_start < self.latent_steps,
            "latent_adversarial_start must be below latent_steps, or the discriminator teaches nothing",
        )
        check(
            len(self.latent_widths) > 0 and all(w % 8 == 0 for w in self.latent_widths),
            "latent_widths must be multiples of 8",
        )
        shrinks = 1 if self.is_transformer else 2 ** (len(self.widths) - 1)
        unit = self.patch * shrinks * self.latent_factor
        levels = "" if self.is_transformer else ", these widths"
        check(
            self.size > 0 and self.size % unit == 0,
            f"size must be a multiple of {unit} with this patch{levels} and this latent space",
        )

    def _check_objective(self) -> None:
        check(self.objective in OBJECTIVES, f"objective must be one of {', '.join(OBJECTIVES)}")
        if self.scheduler_config:
            check(
                self.objective == self.scheduler.get("prediction_type", "epsilon"),
                "objective must be the prediction_type of scheduler_config",
            )
            check(
                self.scheduler.get("_class_name") in FOREIGN_SAMPLERS,
                "scheduler_config must be of DDPM or DDIM",
            )
        check(self.schedule in SCHEDULES, f"schedule must be one of {', '.join(SCHEDULES)}")
        check(
            not self.zero_terminal_snr or self.objective == "v_prediction",
            "zero_terminal_snr needs the objective v_prediction: at pure noise there is no epsilon to learn, "
            "and flow ends there anyway",
        )
        check(self.min_snr_gamma >= 0, "min_snr_gamma must not be negative")
        check(self.time_shift >= 0, "time_shift must not be negative; 0 goes by the size")
        check(
            self.time_shift == 1 or self.objective == "flow",
            "time_shift belongs to flow; the others' noise is that of their schedule",
        )
        check(
            not self.min_snr_gamma or self.objective != "flow",
            "min_snr_gamma belongs to epsilon and v_prediction; flow weighs by how it draws its times",
        )

    @property
    def samplers(self) -> tuple[str, ...]:
        """Those that fit, the default first.

        The cosine schedule's last times leave so little of a latent that ddpm cannot tell it from noise.
        """
        if self.scheduler_config:
            own = FOREIGN_SAMPLERS[str(self.scheduler["_class_name"])]
            return (own, *(name for name in FOREIGN_SAMPLERS.values() if name != own))
        fitting = SAMPLERS[self.objective]
        lost = bool(self.latent) and (self.objective, self.schedule) == ("epsilon", "cosine")
        return tuple(name for name in fitting if not (lost and name == "ddpm"))

    @property
    def is_transformer(self) -> bool:
        return self.network == "transformer"

    @property
    def unet(self) -> Mapping[str, object]:
        """The config of a UNet of another program; empty for ours. Raises ConfigError."""
        return _object_of(self.unet_config)

    @property
    def scheduler(self) -> Mapping[str, object]:
        """The config of its scheduler; empty for ours. Raises ConfigError."""
        return _object_of(self.scheduler_config)

    @property
    def fold(self) -> int:
        """How many values a side are folded into channels in front of the network; a transformer does that itself."""
        return 1 if self.is_transformer else self.patch

    @property
    def tells_more(self) -> bool:
        """Whether the network is told more than the time and a class."""
        return bool(self.augment or self.attributes or self.text)

    @property
    def latent_factor(self) -> int:
        """How many pixels a side one latent value stands for."""
        return int(2 ** (len(self.latent_widths) - 1)) if self.latent else 1

    @property
    def net_channels(self) -> int:
        """The channels of what is noised: those of the image or of its latent."""
        return self.latent_channels if self.latent else self.channels

    @property
    def net_size(self) -> int:
        return self.size // self.latent_factor

    @property
    def shift(self) -> float:
        """By how much the ratio of noise to image is higher than at the unshifted times, in training and sampling.

        By size it is √(m/n) of Esser et al. 2024, eq. 23: a side of what is noised over the unshifted one.
        """
        return self.time_shift or self.net_size / UNSHIFTED_SIDE["latents" if self.latent else "pixels"]

    @property
    def null_class(self) -> int:
        """The class number that stands for 'not told'."""
        return len(self.classes)

    def class_number(self, image_class: ImageClass) -> int:
        if image_class not in self.classes:
            names = ", ".join(map(str, self.classes)) or "none, it is unconditional"
            raise ConfigError(f"This model has no class {image_class}; it has: {names}.")
        return self.classes.index(image_class)

    def as_json(self) -> dict[str, object]:
        """Without what came later where it is as it was before, so that what hangs on these bytes stays."""
        settings = super().as_json()
        return {
            name: value
            for name, value in settings.items()
            if name not in CAME_LATER or value != getattr(TrainingConfig, name)
        }

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """A checked config; `preset` names one to start from. Raises ConfigError."""
        settings = dict(values)
        preset = settings.pop("preset", None)
        if preset is not None and preset not in PRESETS:
            raise ConfigError(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
        try:
            for name in {"widths", "latent_widths"} & set(settings):
                settings[name] = tuple(settings[name])
            if "attributes" in settings:
                settings["attributes"] = tuple(map(Attribute.from_mapping, settings["attributes"]))
            if settings.get(TEXT) is not None:
                settings[TEXT] = TextCondition.from_mapping(settings[TEXT])
            if "classes" in settings:
                settings["classes"] = tuple(
                    ImageClass(c["modality"], c.get("label", "")) for c in settings["classes"]
                )
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"A setting has the wrong type: {error}.") from error
        return super().from_mapping({**(PRESETS[preset] if preset else {}), **settings})

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The config a TOML file holds. Raises ConfigError."""
        return cls.from_mapping(settings_in(path))


def _object_of(text: str) -> Mapping[str, object]:
    try:
        values = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ConfigError("In the training config, unet_config and scheduler_config must be JSON objects.")
    return values


def settings_in(path: Path) -> dict[str, object]:
    """The settings a TOML file holds, not yet checked. Raises ConfigError."""
    try:
        return settings_of(path.read_text(), name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config {path} cannot be read: {error}.") from error


def settings_of(toml: str, *, name: str = "given") -> dict[str, object]:
    """The settings a TOML text holds, not yet checked. Raises ConfigError."""
    try:
        return tomllib.loads(toml)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"The config {name} cannot be read: {error}.") from error


def settings_from(words: Iterable[str]) -> dict[str, object]:
    """Settings from `key=value` words, each value as TOML writes it or else plain text. Raises ConfigError."""
    settings: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"A setting is written key=value, not {word!r}.")
        try:
            settings[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            settings[key.strip()] = value.strip()
    return settings


__all__ = [
    "PRESETS",
    "ConfigError",
    "ImageClass",
    "TrainingConfig",
    "settings_from",
    "settings_in",
    "settings_of",
]
