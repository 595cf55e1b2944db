"""PSNR and SSIM of images with errors whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from generation.metrics.reconstruction import reconstruction


def test_an_even_error_of_five_grey_levels_has_the_psnr_of_the_formula() -> None:
    images = np.random.default_rng(0).integers(10, 200, (3, 32, 32), dtype=np.uint8)

    numbers = reconstruction(list(images), list(images + np.uint8(5)))

    assert numbers["psnr"] == pytest.approx(20 * np.log10(255 / 5), abs=1e-3)
    assert numbers["psnr"] == pytest.approx(peak_signal_noise_ratio(images, images + np.uint8(5)), abs=1e-3)
    assert numbers["images"] == 3


@pytest.mark.parametrize("shape", [(2, 16, 16), (2, 16, 16, 3)])
def test_images_that_come_back_as_they_were_have_ssim_1_and_a_number_for_psnr(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)

    numbers = reconstruction(list(images), list(images))

    assert numbers["ssim"] == 1.0
    assert np.isfinite(numbers["psnr"])


def test_an_even_image_back_from_another_has_the_ssim_of_its_luminance_term() -> None:
    """Wang et al. 2004, eq. 6, of two images without contrast."""
    darker, lighter = (np.full((16, 16), grey, dtype=np.uint8) for grey in (100, 150))

    numbers = reconstruction([darker], [lighter])

    steady = (0.01 * 255) ** 2
    assert numbers["ssim"] == pytest.approx((2 * 100 * 150 + steady) / (100**2 + 150**2 + steady), abs=1e-4)
