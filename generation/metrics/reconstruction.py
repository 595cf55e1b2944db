"""How near an autoencoder's images are to what it was given: PSNR and SSIM, as papers on latent diffusion report them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

MOST_IMAGES = 64


class ReconstructionJSON(TypedDict):
    psnr: float
    ssim: float
    images: int


def reconstruction(
    originals: Sequence[NDArray[np.uint8]], decoded: Sequence[NDArray[np.uint8]]
) -> ReconstructionJSON:
    """Means over 8-bit images, (size, size) or (size, size, 3) each.

    SSIM is that of Wang et al. 2004: Gaussian window of 11 with deviation 1.5. An image that comes back without any
    error, whose PSNR has no value, counts as wrong by half a grey level in all.
    """
    from skimage.metrics import structural_similarity

    values = []
    for original, back in zip(originals, decoded, strict=True):
        error = float(np.mean((original.astype(np.float64) - back) ** 2))
        similarity = structural_similarity(  # type: ignore[no-untyped-call]  # scikit-image ships no types
            original,
            back,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1 if original.ndim == 3 else None,
        )
        values.append((10 * np.log10(255**2 / max(error, 0.25 / original.size)), similarity))
    psnr, ssim = np.mean(values, axis=0)
    return {"psnr": round(float(psnr), 3), "ssim": round(float(ssim), 4), "images": len(values)}
