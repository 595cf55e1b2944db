"""Where a checkpoint's description and weights come from: a folder, or a row of the tables; no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from generation.diffusion.checkpoint_json import CheckpointJSON


@dataclass(frozen=True)
class CheckpointSource:
    """`key` (the sha256) names the checkpoint in a cache; the weights are read only when they are needed."""

    key: str
    name: str
    description: CheckpointJSON
    read_weights: Callable[[], bytes]
    text_encoder: Path | None = None  # the folder of the encoder that reads what it is told in words

    @classmethod
    def from_path(cls, path: Path) -> CheckpointSource:
        """A folder of ours, or X.safetensors with X.json beside it. Raises CheckpointError."""
        from generation.diffusion import checkpoint

        description, weights = checkpoint.read(path)
        return cls(str(weights.absolute()), path.stem, description.as_json(), weights.read_bytes)
