"""Models small enough to train while a test waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from generation.diffusion import checkpoint
from generation.diffusion.config import ImageClass, TrainingConfig
from generation.diffusion.run import TrainingImages, train

CLASSES = (ImageClass("xray", "normal"), ImageClass("xray", "opacity"))

TRANSFORMER = {"network": "transformer", "patch": 4, "depth": 2, "width": 16, "heads": 2}


def tiny_config(**changes: Any) -> TrainingConfig:
    settings: dict[str, Any] = {
        "size": 16,
        "patch": 2,
        "widths": (8, 16),
        "head_dim": 8,
        "steps": 6,
        "batch": 4,
        "warmup": 1,
        "checkpoint_every": 3,
        "sample_count": 2,
        "sample_steps": 2,
    }
    return TrainingConfig(**{**settings, **changes})


def bright_squares(config: TrainingConfig, *, count: int = 10) -> TrainingImages:
    """Dark images with a bright middle, brighter in the second class."""
    dice = np.random.default_rng(0)
    pixels = dice.integers(0, 20, (count, config.size, config.size), dtype=np.uint8)
    classes = np.arange(count) % max(1, len(config.classes))
    quarter = config.size // 4
    for image, kind in zip(pixels, classes, strict=True):
        image[quarter:-quarter, quarter:-quarter] += np.uint8(150 + 80 * kind)
    return TrainingImages(pixels, classes if config.classes else None)


def trained(folder: Path, **changes: Any) -> Path:
    """The last checkpoint of a tiny run."""
    config = tiny_config(**changes)
    return train(config, bright_squares(config), folder)


class PowerCutError(Exception):
    pass


def assert_same_weights(one: Path, other: Path) -> None:
    for file in (checkpoint.WEIGHTS, checkpoint.STATE):
        expected, found = load_file(one / file), load_file(other / file)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected)
