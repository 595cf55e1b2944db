"""Procedural lung images: computer drawings, seeded, that stand in for patients' images in demo and tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from generation.phantoms.ct import draw_ct
from generation.phantoms.shapes import Plane
from generation.phantoms.xray import draw_xray

LABELS = ("normal", "opacity")
DRAWINGS = {"xray": draw_xray, "ct": draw_ct}
OVERSAMPLED_BELOW = 256


def draw(modality: str, *, seed: int, label: str = "normal", size: int = 256) -> NDArray[np.uint8]:
    """A `size` × `size` phantom, 8-bit grey; the same arguments always draw the same image.

    Raises ValueError for a modality or label that has no drawing.
    """
    if modality not in DRAWINGS:
        raise ValueError(f"There is no phantom of modality {modality!r}; there are {', '.join(DRAWINGS)}.")
    if label not in LABELS:
        raise ValueError(f"There is no phantom labelled {label!r}; there are {', '.join(LABELS)}.")
    rng = np.random.default_rng([seed, sorted(DRAWINGS).index(modality), LABELS.index(label)])
    factor = max(1, -(-OVERSAMPLED_BELOW // size))
    image = DRAWINGS[modality](Plane.square(size * factor), rng, opacity=label == "opacity")
    if factor > 1:
        image = image.reshape(size, factor, size, factor).mean(axis=(1, 3))
    grain = ndimage.gaussian_filter(rng.normal(size=image.shape), 0.6)
    image = image + grain * rng.uniform(0.008, 0.02) * (0.3 + image)
    return np.asarray((np.clip(image, 0.0, 1.0) * 255).round(), dtype=np.uint8)
