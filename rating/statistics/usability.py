"""The System Usability Scale (Brooke 1996): ten statements, answered from 1 to 5, as a score from 0 to 100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.estimate import Estimate

ITEMS = 10
MIDDLE = 3  # what an item without an answer counts as (Brooke)
NOBODY = "Nobody has answered the ten questions."
ONE_PERSON = "One person: a score, and no interval."
ALL_ALIKE = "All scores are the same, so there is no variation to take an interval from."

Items = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Usability:
    """Each rater's score, and their mean with Student's t interval, not cut to 0 … 100."""

    raters: tuple[str, ...]
    scores: tuple[float, ...]
    mean: Estimate
    sd: float | None

    @property
    def n(self) -> int:
        return len(self.scores)


def sus_score(items: Items) -> float:
    """2.5 times the sum of each odd item less 1 and of 5 less each even item."""
    values = [MIDDLE if item is None else item for item in items]
    return 2.5 * sum(value - 1 if place % 2 == 0 else 5 - value for place, value in enumerate(values))


def usability(raters: Sequence[str], responses: Sequence[Items], confidence: float = 0.95) -> Usability:
    """The scores of people × ten items, and their mean."""
    scores = np.array([sus_score(items) for items in responses], dtype=np.float64)
    n = len(scores)
    if n == 0:
        return Usability((), (), Estimate.undefined(NOBODY), None)
    mean = float(scores.mean())
    if n == 1:
        return Usability(tuple(raters), (mean,), Estimate(mean, reason=ONE_PERSON), None)
    sd = float(scores.std(ddof=1))
    se = sd / n**0.5
    half = float(scipy.special.stdtrit(n - 1, (1 + confidence) / 2)) * se
    estimate = Estimate(mean, se, (mean - half, mean + half)) if sd else Estimate(mean, reason=ALL_ALIKE)
    return Usability(tuple(raters), tuple(map(float, scores)), estimate, sd)
