"""Images and made-up features by formula, for FRD here and in frd-score's own environment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.generation.metrics.image_samples import patient

EACH, SIDE = 14, 64


def images(arm: str) -> list[NDArray[np.uint8]]:
    """Real ones, and others of coarser structure."""
    if arm == "real":
        return [patient(number, side=SIDE) for number in range(EACH)]
    return [
        np.repeat(np.repeat(patient(100 + number, side=SIDE // 2), 2, axis=0), 2, axis=1)
        for number in range(EACH)
    ]


def features() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of which one is the same in all real images, one is no number in one image, and all are of different size."""
    dice = np.random.default_rng(3)
    mixing, size = dice.normal(size=(30, 30)), 10.0 ** dice.uniform(-3, 6, size=30)
    real, fake = (dice.normal(size=(n, 30)) @ mixing * size for n in (60, 50))
    fake = fake * 1.3 + size
    real[:, 4] = 7.0
    fake[3, 9] = np.nan
    return real, fake
