"""Checkpoints on disk: safetensors and JSON, complete or not there at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from generation.diffusion.checkpoint_json import FORMAT, CheckpointFacts, CheckpointJSON
from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.kept_metric import value_of
from generation.diffusion.networks.latent_space import PREFIX, space_from
from generation.diffusion.networks.network import Denoiser, build

WEIGHTS, CONFIG, STATE = "model.safetensors", "config.json", "state.safetensors"
SAMPLES = "samples.png"
# Kept ones carry samples and measures; the other kind is only there to go on from.
KEPT, TO_GO_ON = "step-", "resume-"


@dataclass(frozen=True)
class Description:
    """What config.json says: the training config, the step, and anything measured."""

    config: TrainingConfig
    step: int
    facts: CheckpointFacts

    def as_json(self) -> CheckpointJSON:
        return {"format": FORMAT, "step": self.step, "config": self.config.as_json(), "facts": self.facts}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Description:
        """Raises CheckpointError for what is not one of ours."""
        if values.get("format") != FORMAT:
            raise CheckpointError(f"This is not a LungRater checkpoint: its format is not {FORMAT}.")
        try:
            config = TrainingConfig.from_mapping(values["config"])
            return cls(config, int(values["step"]), cast("CheckpointFacts", dict(values.get("facts", {}))))
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"The checkpoint's config is damaged: {error}") from error


class Described(Protocol):
    """What goes into a checkpoint's config.json: of a model of ours, or of a fine-tuning."""

    def as_json(self) -> CheckpointJSON: ...


def write(
    folder: Path,
    description: Described,
    weights: Mapping[str, Tensor],
    *,
    state: Mapping[str, Tensor] | None = None,
    half: bool = False,
) -> Path:
    """The folder, which appears under its name only when all of it is safely on disk."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    dtype = torch.float16 if half else torch.float32
    save_file({k: v.to("cpu", dtype).contiguous() for k, v in weights.items()}, part / WEIGHTS)
    if state is not None:
        save_file({k: v.cpu().contiguous() for k, v in state.items()}, part / STATE)
    (part / CONFIG).write_text(json.dumps(description.as_json(), indent=2) + "\n")
    for file in part.iterdir():
        _sync(file)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
    return folder


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> tuple[Description, Path]:
    """The description and the weights file of a folder, or of X.safetensors with X.json beside it."""
    weights, config = (path / WEIGHTS, path / CONFIG) if path.is_dir() else (path, path.with_suffix(".json"))
    try:
        return Description.from_json(json.loads(config.read_text())), weights
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"The checkpoint {path.name} has no readable config: {error}") from error


def network(description: Description, weights: bytes, device: torch.device) -> Denoiser:
    """The network with these weights, ready to sample. Raises CheckpointError when they do not fit."""
    net = build(description.config)
    try:
        tensors = load(weights)
        net.load_state_dict({k: v.float() for k, v in tensors.items() if not k.startswith(PREFIX)})
        net.space = space_from(description.facts, tensors, description.config.channels, device)
    except (SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"The checkpoint's weights are damaged or of another network: {error}"
        ) from error
    return net.to(device).eval()


def publish(trained: Path, folder: Path, facts: CheckpointFacts) -> Path:
    """The averaged weights alone, in half precision, with what they were made from."""
    description, weights = read(trained)
    described = Description(description.config, description.step, {**description.facts, **facts})
    return write(folder, described, load_file(weights), half=True)


def name_of(step: int, *, measured: bool = True) -> str:
    return f"{KEPT if measured else TO_GO_ON}{step:08d}"


def latest(run: Path) -> Path | None:
    """The newest complete checkpoint of a run's folder that can be gone on from."""
    both = [*_all(run, TO_GO_ON), *_all(run, KEPT)]
    complete = [folder for folder in both if (folder / STATE).exists() and (folder / CONFIG).exists()]
    return max(complete, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)


def newest_kept(run: Path) -> Path | None:
    return next(iter(reversed(_all(run, KEPT))), None)


def write_samples(folder: Path, samples: NDArray[np.uint8]) -> None:
    """The sample images side by side, as a file of the checkpoint."""
    part = folder / f".{SAMPLES}.part"
    Image.fromarray(np.hstack(list(samples))).save(part, format="PNG")
    _sync(part)
    part.replace(folder / SAMPLES)
    _sync(folder)


def drop_others_to_go_on(run: Path, newest: Path) -> None:
    for old in _all(run, TO_GO_ON):
        if old != newest:
            shutil.rmtree(old)


def load_state(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / STATE)


def config_of(folder: Path) -> CheckpointJSON:
    """What a checkpoint's config.json says, of whatever kind of model. Raises CheckpointError."""
    try:
        config: CheckpointJSON = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"The checkpoint {folder.name} has no readable config: {error}") from error
    return config


def facts_of(folder: Path) -> CheckpointFacts:
    return config_of(folder).get("facts", {})


def note(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add to the facts of a checkpoint that stands; it is whole at every moment."""
    config = config_of(folder)
    part = folder / f".{CONFIG}.part"
    part.write_text(json.dumps({**config, "facts": {**config.get("facts", {}), **facts}}, indent=2) + "\n")
    _sync(part)
    part.replace(folder / CONFIG)
    _sync(folder)


def best(run: Path, metric: str) -> Path | None:
    """The checkpoint of a run with the lowest value of a metric, the newer of two equals; None if none has it."""
    candidates = [
        (value, folder) for folder in _all(run, KEPT) if (value := _metric(folder, metric)) is not None
    ]
    return min(reversed(candidates), key=lambda pair: pair[0])[1] if candidates else None


def _metric(folder: Path, metric: str) -> float | None:
    try:
        return value_of(facts_of(folder).get("metrics", {}), metric)
    except CheckpointError:
        return None


def _all(run: Path, kind: str) -> list[Path]:
    return sorted(run.glob(f"{kind}*"))


def prune(run: Path, *, keep: int, best_by: str = "") -> None:
    """Delete all but the newest `keep` and the best checkpoint; call it only after the new one is written."""
    spared = best(run, best_by) if best_by else None
    newest = _all(run, KEPT)[-keep:]
    for old in [*_all(run, KEPT), *_all(run, TO_GO_ON)]:
        if old not in newest and old != spared:
            shutil.rmtree(old)
