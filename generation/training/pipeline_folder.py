"""The diffusers pipelines, autoencoders and LoRA files that lie in the home's `models/` folder, by name.

A researcher names one of them; a path never comes from a page.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from generation.diffusion.config import OWN_AUTOENCODER
from generation.diffusion.errors import PipelineError
from generation.diffusion.finetuning.pipelines import PipelineSource
from jobs import site_folders


def folder() -> Path:
    return Path(settings.MODELS_DIR) / "pipelines"


def lora_folder() -> Path:
    return Path(settings.MODELS_DIR) / "loras"


def autoencoder_folder() -> Path:
    return Path(settings.MODELS_DIR) / "autoencoders"


def place() -> str:
    """The folder, as people read of it."""
    return site_folders.as_read(str(folder()))


def names() -> list[str]:
    """Every pipeline that can be asked for."""
    return sorted(index.parent.name for index in folder().glob("*/model_index.json"))


def lora_names() -> list[str]:
    return sorted(file.stem for file in lora_folder().glob("*.safetensors"))


def autoencoder_names() -> list[str]:
    return sorted(config.parent.name for config in autoencoder_folder().glob("*/config.json"))


def no_such_autoencoder(name: str) -> str:
    where, offered = site_folders.as_read(str(autoencoder_folder())), ", ".join(autoencoder_names())
    return (
        f"latent is empty, “{OWN_AUTOENCODER}”, or names a folder in {where}; there is no “{name}” among: "
        f"{offered or 'none yet'}."
    )


def no_such_pipeline() -> str:
    """What a form says of another name than these; `%(value)s` stands for the name."""
    return f"There is no pipeline '%(value)s' in {place()}; there are: {', '.join(names()) or 'none yet'}."


def no_such_lora() -> str:
    return f"There is no LoRA '%(value)s' in {site_folders.as_read(str(lora_folder()))}."


def source(name: str, *, lora: str = "", lora_scale: float = 1.0) -> PipelineSource:
    """The pipeline of this name with this LoRA. Raises PipelineError."""
    if name not in names():
        raise PipelineError(no_such_pipeline() % {"value": name})
    if lora and lora not in lora_names():
        raise PipelineError(no_such_lora() % {"value": lora})
    path = lora_folder() / f"{lora}.safetensors" if lora else None
    return PipelineSource(folder() / name, path, lora_scale)
