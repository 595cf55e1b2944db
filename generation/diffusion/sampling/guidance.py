"""Classifier-free guidance (Ho & Salimans 2022) as it is asked for: how much, at which noise, and rescaled how far; no torch."""

from __future__ import annotations

from dataclasses import dataclass

from generation.diffusion.run_config import ConfigError


@dataclass(frozen=True)
class Guidance:
    """`scale` 1 is none. `low` and `high` are noise levels from 0 to 1, between which there is guidance at all
    (Kynkäänniemi et al. 2024); `rescale` is φ of Lin et al. 2024.
    """

    scale: float = 1.0
    low: float = 0.0
    high: float = 1.0
    rescale: float = 0.0
    of_attributes: tuple[float, ...] = ()  # in the order of the model's attributes
    of_text: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ConfigError("Guidance is from one noise level to a higher one, both from 0 to 1.")
        if not 0 <= self.rescale <= 1:
            raise ConfigError("The rescaling of guidance is from 0, none, to 1.")

    def scales_at(self, level: float) -> tuple[float, tuple[float, ...], float]:
        """Of the class, of the attributes and of the text."""
        is_guided = self.low <= level <= self.high
        return (self.scale, self.of_attributes, self.of_text) if is_guided else (1.0, (), 1.0)
