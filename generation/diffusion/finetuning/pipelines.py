"""A diffusers pipeline as a local folder of safetensors: what it is made of, and its fingerprint; no torch.

No code from the folder is run: only classes that diffusers and transformers bring.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from generation.diffusion.errors import PipelineError
from generation.diffusion.run_config import ConfigError

LIBRARIES = {"diffusers", "transformers"}
MOST_BYTES_OF_PROMPTS = 4 * 2**30  # on the device that trains
NEVER_LOADED = {"safety_checker", "feature_extractor", "image_encoder"}


@dataclass(frozen=True)
class PipelineSource:
    """A folder as `save_pretrained` writes it, and the LoRA file to put on top."""

    folder: Path
    lora: Path | None = None
    lora_scale: float = 1.0

    @property
    def name(self) -> str:
        return self.folder.name

    def classes(self) -> dict[str, object]:
        """What model_index.json names, checked. Raises PipelineError for anything that would run foreign code."""
        try:
            index = dict(json.loads((self.folder / "model_index.json").read_text()))
        except (OSError, ValueError) as error:
            raise PipelineError(f"The folder {self.name} holds no readable model_index.json.") from error
        if not isinstance(index.get("_class_name"), str):
            raise PipelineError(f"The pipeline {self.name} names code of its own, which is never run.")
        for part, library_and_class in index.items():
            if part.startswith("_") or part in NEVER_LOADED or not isinstance(library_and_class, list):
                continue
            library = library_and_class[0]
            if library is not None and library not in LIBRARIES:
                raise PipelineError(
                    f"The pipeline {self.name} wants {part} from {library}, and only "
                    "diffusers and transformers are allowed."
                )
        return index

    def fingerprint(self) -> str:
        """The sha256 over the names and contents of its weights and configs, and of the LoRA."""
        digest = hashlib.sha256()
        files = [p for p in sorted(self.folder.rglob("*")) if p.suffix in {".safetensors", ".json"}]
        for file in [*files, *([self.lora] if self.lora else [])]:
            digest.update(file.name.encode())
            with file.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
        return digest.hexdigest()


def _prompt_shape(folder: Path) -> tuple[int, int]:
    """(tokens, width) of what the text encoder makes of a prompt; Stable Diffusion's where the folder does not say."""
    try:
        config = json.loads((folder / "text_encoder" / "config.json").read_text())
        return int(config["max_position_embeddings"]), int(config["hidden_size"])
    except (OSError, ValueError, LookupError, TypeError):
        return 77, 768


def check_prompts(count: int, folder: Path) -> None:
    """Raises ConfigError where so many prompts, encoded by this pipeline, would take more memory than they may."""
    tokens, width = _prompt_shape(folder)
    size = count * tokens * width * 4
    if size > MOST_BYTES_OF_PROMPTS:
        raise ConfigError(
            f"{count:,} different prompts take {size / 2**30:.1f} GB once encoded, and "
            f"{MOST_BYTES_OF_PROMPTS / 2**30:.0f} GB are allowed: name columns in the prompt that differ less."
        )


def eight_bits(image: NDArray[np.floating[Any]], *, colour: bool) -> NDArray[np.uint8]:
    """What a pipeline drew, from 0 to 1, as bytes: grey, but where colour means something."""
    values = (np.clip(np.nan_to_num(image), 0, 1) * 255).round().astype(np.uint8)
    if values.ndim == 3 and values.shape[-1] == 1:
        return np.asarray(values[..., 0])
    return np.asarray(values if colour else Pillow.fromarray(values).convert("L"))
