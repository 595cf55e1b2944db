"""The diffusers pipelines and LoRA files that lie in the home's `models/` folder, by name.

A researcher names one of them; a path never comes from a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from generation.diffusion.errors import PipelineError
from generation.diffusion.finetuning.pipelines import PipelineSource


def folder() -> Path:
    return Path(settings.MODELS_DIR) / "pipelines"


def lora_folder() -> Path:
    return Path(settings.MODELS_DIR) / "loras"


def names() -> list[str]:
    """Every pipeline that can be asked for."""
    return sorted(index.parent.name for index in folder().glob("*/model_index.json"))


def lora_names() -> list[str]:
    return sorted(file.stem for file in lora_folder().glob("*.safetensors"))


def source(name: str, settings: Mapping[str, Any]) -> PipelineSource:
    """The pipeline of this name with the LoRA that the settings name. Raises PipelineError."""
    if name not in names():
        available = ", ".join(names()) or "none yet"
        raise PipelineError(f"There is no pipeline {name!r} in {folder()}; there are: {available}.")
    lora = str(settings.get("lora") or "")
    if lora and lora not in lora_names():
        raise PipelineError(f"There is no LoRA {lora!r} in {lora_folder()}.")
    path = lora_folder() / f"{lora}.safetensors" if lora else None
    return PipelineSource(folder() / name, path, float(settings.get("lora_scale") or 1.0))
