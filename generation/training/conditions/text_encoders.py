"""The text encoders that lie in the home's `models/text-encoders/` folder, by name; a path never comes from a page."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from generation.diffusion.run_config import ConfigError
from generation.diffusion.text.encoder_folder import EncoderFolder, read_folder

WHERE = "the home’s models/text-encoders folder"  # in words, as pages say nothing of the server's paths


def folder() -> Path:
    return Path(settings.MODELS_DIR) / "text-encoders"


def names() -> list[str]:
    """Every encoder that can be asked for."""
    return sorted(config.parent.name for config in folder().glob("*/config.json"))


def none_of_this_name() -> str:
    """What a form says of another name than these; `%(value)s` stands for the name."""
    offered = ", ".join(names()).replace("%", "%%") or "none yet"
    return f"There is no text encoder '%(value)s' in {WHERE}; there are: {offered}."


def encoder(name: str) -> EncoderFolder:
    """The folder of this name. Raises ConfigError."""
    if name not in names():
        raise ConfigError(none_of_this_name() % {"value": name})
    return read_folder(folder() / name)


def half_of_a_text(template: str) -> str:
    """Why a text without an encoder, or an encoder without a text, is refused, and what to do."""
    if not template:
        return "A text encoder has nothing to read: say what each image is told in words, or choose none."
    if encoders := names():
        return f"Choose the text encoder that reads the words, of {', '.join(encoders)}, or leave the words empty."
    return f"No text encoder lies in {WHERE} yet: put one there, or leave the words empty."
