"""The images a run learns from, and the order they come in; numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.run_config import ConfigError, RunConfig
from generation.diffusion.sampling.seeds import seed_of


@dataclass
class TrainingImages:
    """Training images as uint8 (n, size, size) or (n, size, size, 3), deep ones as uint16, and of each the class number or the prompt."""

    pixels: NDArray[Any]
    classes: NDArray[np.int64] | None = None
    prompts: Sequence[str] = ()
    attributes: NDArray[np.float32] | None = None  # (n, attributes), no number where one is not known
    texts: Sequence[str] = ()  # "" where an image has none
    text_encoder: Path | None = None  # the folder of the encoder that reads them
    autoencoder: Path | None = (
        None  # the folder of the one in whose latents a network works, if it is neither own nor a parent's
    )

    @property
    def bits(self) -> int:
        return self.pixels.dtype.itemsize * 8

    @property
    def in_eight_bits(self) -> NDArray[np.uint8]:
        """As they are looked at and measured: deep ones on the scale that they have, without a window of their own."""
        if self.pixels.dtype == np.uint8:
            return self.pixels.astype(np.uint8, copy=False)
        return np.rint(self.pixels / 257).astype(np.uint8)

    def check(self, config: RunConfig) -> None:
        side = (config.size, config.size) + ((3,) if config.channels == 3 else ())
        if len(self.pixels) == 0:
            raise ConfigError("There are no images to train on.")
        if self.pixels.shape[1:] != side:
            raise ConfigError(f"The images are {self.pixels.shape[1:]}; the config wants {side}.")


@dataclass(frozen=True)
class Order:
    """Which images make which step: epoch after epoch, each a new order drawn from (seed, turn, epoch)."""

    count: int
    batch: int
    seed: int

    def rows(self, step: int, turn: int = 0) -> NDArray[np.int64]:
        """(batch,) indices; `turn` is another order of everything."""
        places = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs, within = np.divmod(places, self.count)
        parts = [
            _order(self.count, seed_of(self.seed, turn, 1, int(epoch)))[within[epochs == epoch]]
            for epoch in np.unique(epochs)
        ]
        return np.concatenate(parts)


@lru_cache(maxsize=4)
def _order(count: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(count)
