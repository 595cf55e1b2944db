"""What each classifier is trained on: real images, synthetic ones, or both, always drawn the same way from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.utility.config import ALL, PRETRAINED, UtilityConfig

REAL, SYNTHETIC = "real only", "synthetic only"
FINE_TUNED, ALL_OF_BOTH = "synthetic, then real", "real + all synthetic"
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Arm:
    """A training set by name; `ratio` and `share` say how much of the synthetic images it holds.

    With `in_turn` the synthetic images come before the real ones, not among them: all steps on those, then all on these.
    """

    name: str
    real: bool
    ratio: float | None = None  # synthetic images for each real one
    share: float = 1.0  # of all synthetic images, where no ratio is given; 0 for none
    in_turn: bool = False

    def synthetic_count(self, real: int, synthetic: int) -> int:
        """How many synthetic images it asks for."""
        return round(self.ratio * real) if self.ratio is not None else round(self.share * synthetic)

    def rows(self, real: Rows, synthetic: Rows, *, seed: int) -> tuple[Rows, Rows]:
        """The places of its real and of its synthetic images, given the class number of each."""
        chosen = stratified(synthetic, self.synthetic_count(len(real), len(synthetic)), seed=seed)
        return np.arange(len(real)) if self.real else np.empty(0, dtype=np.int64), chosen


def arms_of(config: UtilityConfig, *, real: int, synthetic: int) -> tuple[list[Arm], list[str]]:
    """The arms that can be made from so many images, and a sentence for each that cannot."""
    arms = [Arm(REAL, real=True, share=0.0), Arm(SYNTHETIC, real=False)]
    arms += [Arm(f"real + {ratio:g}× synthetic", real=True, ratio=ratio) for ratio in config.ratios]
    arms += [Arm(f"{share:.3g} of synthetic", real=False, share=share) for share in sorted(config.shares)]
    if PRETRAINED in config.further_arms:
        arms.append(Arm(FINE_TUNED, real=True, in_turn=True))
    if ALL in config.further_arms:
        arms.append(Arm(ALL_OF_BOTH, real=True))
    possible = [arm for arm in arms if arm.synthetic_count(real, synthetic) <= synthetic]
    left_out = [
        f"“{arm.name}” was left out: it needs {arm.synthetic_count(real, synthetic)} synthetic images, there are {synthetic}."
        for arm in arms
        if arm not in possible
    ]
    return possible, left_out


def stratified(numbers: Rows, count: int, *, seed: int) -> Rows:
    """`count` places with the classes in proportion; a larger count holds all of a smaller one."""
    generator = np.random.default_rng([seed, 2])
    tickets = np.empty(len(numbers))
    for number in np.unique(numbers):
        rows = generator.permutation(np.flatnonzero(numbers == number))
        tickets[rows] = (np.arange(len(rows)) + 0.5) / len(rows)  # each class spread evenly over the queue
    return np.sort(np.argsort(tickets, kind="stable")[:count])
