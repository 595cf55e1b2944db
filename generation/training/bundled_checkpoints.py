"""The checkpoints that come with LungRater, made known to its tables."""

from __future__ import annotations

import json
from pathlib import Path

from generation.training.models import Checkpoint

FOLDER = Path(__file__).parent / "checkpoints"
PHANTOM_LUNGS = "phantom-lungs"


def register_shipped() -> list[Checkpoint]:
    """Every shipped checkpoint's row; call it as often as you like."""
    return [_register(folder) for folder in sorted(FOLDER.iterdir()) if (folder / "config.json").exists()]


def _register(folder: Path) -> Checkpoint:
    samples = folder / "samples.png"
    row = Checkpoint.store(
        folder.name,
        json.loads((folder / "config.json").read_text()),
        (folder / "model.safetensors").read_bytes(),
        samples=samples.read_bytes() if samples.exists() else b"",
    )
    row.give_to_maker(None)
    return row
