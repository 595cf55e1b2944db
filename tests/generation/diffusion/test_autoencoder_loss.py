"""The autoencoder's loss, as the paper's code has it: both terms summed over an image, the divergence at 1e-6."""

from __future__ import annotations

import pytest
import torch

from generation.diffusion.networks.autoencoder import reconstruction_loss


@pytest.mark.parametrize("side", [8, 32])
def test_the_divergence_weighs_a_millionth_of_the_error_summed_over_an_image(side: int) -> None:
    clean, back = torch.zeros(2, 1, side, side), torch.full((2, 1, side, side), 0.5)
    divergence = torch.tensor([300.0, 500.0])

    loss = reconstruction_loss(back, clean, divergence)

    summed_as_published = 0.5 * side**2 + 1e-6 * 400.0
    assert float(loss) * side**2 == pytest.approx(summed_as_published, rel=1e-6)
