"""A text encoder's folder as `save_pretrained` writes it, looked at before anything is loaded; no torch.

Only classes that transformers brings are used and only safetensors are read, so nothing of the folder is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from generation.diffusion.run_config import ConfigError
from generation.diffusion.text.condition import FEWEST_TOKENS, MOST_TOKENS, MOST_WIDTH

MOST_BYTES = 4 * 2**30  # of all weights
MOST_BYTES_OF_TEXT = 64 * 2**20  # of a tokenizer or a config
MOST_LAYERS, MOST_WORDS = 100, 1_000_000
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class EncoderKind:
    """A class of transformers, and how its config.json names the width, the layers and the longest text."""

    model: str
    width: tuple[str, int]
    layers: str = "num_hidden_layers"
    most_tokens: int = MOST_TOKENS
    part: str = ""  # of the config, where a folder holds more than the text's side
    unread_positions: int = 0  # of max_position_embeddings, before a text's first token


CLIP = EncoderKind("CLIPTextModel", ("hidden_size", 512), most_tokens=77)
KINDS = {
    "clip": replace(CLIP, part="text_config"),
    "clip_text_model": CLIP,
    "bert": EncoderKind("BertModel", ("hidden_size", 768)),
    "roberta": EncoderKind("RobertaModel", ("hidden_size", 768), unread_positions=2),
    "distilbert": EncoderKind("DistilBertModel", ("dim", 768), "n_layers"),
    "t5": EncoderKind("T5EncoderModel", ("d_model", 512), "num_layers"),
    "mt5": EncoderKind("MT5EncoderModel", ("d_model", 512), "num_layers"),
}


@dataclass(frozen=True)
class EncoderFolder:
    """A folder that may be loaded."""

    path: Path
    kind: EncoderKind
    width: int
    most_tokens: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def sha256(self) -> str:
        """Over the names and contents of all that is read of it."""
        files = _files(self.path)
        return _digest(
            self.path, tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
        )


def read_folder(path: Path) -> EncoderFolder:
    """Raises ConfigError with a sentence where it holds no text encoder that may be loaded."""
    config = _object(path, "config.json")
    tokenizer = _object(path, "tokenizer_config.json") if (path / "tokenizer_config.json").exists() else {}
    if "auto_map" in config or "auto_map" in tokenizer:
        raise ConfigError(f"The text encoder {path.name} has code of its own, which is never run here.")
    kind = KINDS.get(str(config.get("model_type")))
    if kind is None:
        raise ConfigError(
            f"The text encoder {path.name} is of the kind {str(config.get('model_type'))[:40]!r}; "
            f"{', '.join(KINDS)} can be used."
        )
    _check_weights(path)
    part: object = config.get(kind.part, config) if kind.part else config
    if not isinstance(part, dict):
        raise ConfigError(f"The config.json of the text encoder {path.name} is damaged.")
    width = _number(path, part, *kind.width, most=MOST_WIDTH)
    _number(path, part, kind.layers, 12, most=MOST_LAYERS)
    _number(path, part, "vocab_size", 30_000, most=MOST_WORDS)
    unread = kind.unread_positions
    positions = _number(path, part, "max_position_embeddings", kind.most_tokens + unread, most=2**20)
    if positions - unread < FEWEST_TOKENS:
        raise ConfigError(f"The text encoder {path.name} reads fewer than {FEWEST_TOKENS} tokens.")
    return EncoderFolder(path, kind, width, min(positions - unread, MOST_TOKENS))


def _check_weights(path: Path) -> None:
    weights = [file for file in _files(path) if file.suffix == ".safetensors"]
    if not weights:
        has_pickles = any(file.suffix in PICKLES for file in path.iterdir())
        weights_in_words = "weights that can run code" if has_pickles else "no weights"
        raise ConfigError(
            f"The text encoder {path.name} has {weights_in_words} (no *.safetensors); save it once more with safe_serialization=True."
        )
    size = sum(file.stat().st_size for file in weights)
    if size > MOST_BYTES:
        raise ConfigError(
            f"The text encoder {path.name} is too large: {size / 2**30:.1f} GB, and {MOST_BYTES / 2**30:.0f} GB are allowed."
        )
    for file in _files(path):
        if file.suffix != ".safetensors" and file.stat().st_size > MOST_BYTES_OF_TEXT:
            raise ConfigError(f"The text encoder {path.name} is too large: its {file.name}.")


def _files(path: Path) -> list[Path]:
    """Weights, configs and the tokenizer's tables."""
    return sorted(
        file
        for file in path.iterdir()
        if file.is_file() and file.suffix in {".safetensors", ".json", ".txt", ".model"}
    )


@lru_cache(maxsize=16)
def _digest(path: Path, _state: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for file in _files(path):
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as data:
            digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()


def _object(path: Path, name: str) -> Mapping[str, object]:
    try:
        if (path / name).stat().st_size > MOST_BYTES_OF_TEXT:
            raise ConfigError(f"The text encoder {path.name} is too large: its {name}.")
        values = json.loads((path / name).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"The text encoder {path.name} has no readable {name}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"The {name} of the text encoder {path.name} is damaged.")
    return values


def _number(path: Path, config: Mapping[str, object], name: str, default: int, *, most: int) -> int:
    number = config.get(name, default)
    if type(number) is not int or number < 1:
        raise ConfigError(f"The config.json of the text encoder {path.name} is damaged: its {name}.")
    if number > most:
        raise ConfigError(
            f"The text encoder {path.name} is too large: a {name} of {number:,}, and {most:,} are allowed."
        )
    return number
