"""How alike the images of one arm are: MS-SSIM over random pairs (Wang et al. 2003, as MONAI computes it).

A generator that makes the same image again and again has a higher mean than the real images have.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from generation.metrics.spectra import Bytes, greys

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
KERNEL, SIGMA = 11, 1.5
PAIRS = 200
PAIRS_AT_ONCE = 32


def random_pairs(number: int, *, most: int = PAIRS, seed: int = 0) -> npt.NDArray[np.int64]:
    """Up to `most` different pairs (i < j) of `number` images, each equally likely."""
    every = number * (number - 1) // 2
    codes = np.random.default_rng(seed).choice(every, size=min(most, every), replace=False)
    # The pairs in order are (0,1), (0,2), (1,2), (0,3) …: j is found from the triangular number below.
    high = ((1 + np.sqrt(1 + 8 * codes.astype(np.float64))) // 2).astype(np.int64)
    high -= high * (high - 1) // 2 > codes
    return np.stack([codes - high * (high - 1) // 2, high], axis=1)


def scales_for(side: int) -> int:
    """How many of the five scales an image of this side allows: each must hold the window, as MONAI counts."""
    numbers = range(len(WEIGHTS), 0, -1)
    return next((n for n in numbers if side // max(2 ** (n - 1), (n - 1) ** 2) >= KERNEL), 0)


def ms_ssim(
    images: Bytes, pairs: npt.NDArray[np.int64], *, pulse: Callable[[], object] = lambda: None
) -> npt.NDArray[np.float64]:
    """The MS-SSIM of each pair, over as many scales as the images' size allows.

    Raises ValueError where the images are smaller than one window.
    """
    import torch
    from monai.metrics.regression import MultiScaleSSIMMetric

    scales = scales_for(images.shape[1])
    if not scales:
        raise ValueError(f"MS-SSIM needs images of {KERNEL} pixels a side or more.")
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    metric = MultiScaleSSIMMetric(
        2, data_range=1.0, kernel_size=KERNEL, kernel_sigma=SIGMA, weights=tuple(weights)
    )
    values = []
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        part = pairs[start : start + PAIRS_AT_ONCE]
        first, second = (torch.from_numpy(greys(images[part[:, side]]))[:, None].float() for side in (0, 1))
        values.append(np.asarray(metric(first, second)).ravel())
        pulse()
    return np.concatenate(values).astype(np.float64)
