"""A fine-tuning's result where the pipeline engine looks for it: plain files, whole or not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

UNET, WEIGHTS = "unet", "diffusion_pytorch_model.safetensors"


def publish_lora(weights: Path, loras: Path, name: str) -> Path:
    """The LoRA file of this name."""
    loras.mkdir(parents=True, exist_ok=True)
    part = loras / f".{name}.part"
    shutil.copyfile(weights, part)
    _sync(part)
    return part.replace(loras / f"{name}.safetensors")


def publish_pipeline(weights: Path, base: Path, pipelines: Path, name: str) -> Path:
    """The pipeline folder of this name: the one that was started from, with these weights in its network."""
    target, part = pipelines / name, pipelines / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(base, part, ignore=_weights_of_the_network)
    shutil.copyfile(weights, part / UNET / WEIGHTS)
    _sync(part / UNET / WEIGHTS)
    shutil.rmtree(target, ignore_errors=True)
    return part.rename(target)


def _weights_of_the_network(folder: str, names: list[str]) -> list[str]:
    """Whatever form they are in: one file, a variant, several with an index."""
    if Path(folder).name != UNET:
        return []
    return [name for name in names if name != "config.json"]


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
