"""A folder of image files as training images; Pillow and numpy alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from pool.canonical.pixels import fitted_square

KINDS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}


def images_in(folder: Path, config: TrainingConfig) -> TrainingImages:
    """Every image under the folder, each its middle square at the config's size. Raises ConfigError."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)
    if not files:
        raise ConfigError(f"There are no images in {folder}.")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return TrainingImages(np.stack(list(pool.map(partial(_read, config), files))))


def _read(config: TrainingConfig, path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB" if config.channels == 3 else "L"))
    except (OSError, UnidentifiedImageError) as error:
        raise ConfigError(f"The image {path} cannot be read: {error}.") from error
    return fitted_square(pixels, side=config.size, colour=config.channels == 3)
