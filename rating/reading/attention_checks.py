"""Signs that a rater is not really reading, from times and labels; plain numbers in, words out. No Django.

An organiser sees the words while the study is open, so they must not tell what a rater said: straight-lining
is named, its label is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

FEWEST = 10  # ratings, before anything is said
TOO_FAST_MS = 2_000
ONE_LABEL_SHARE = 0.95
ONE_LABEL_RUN = 15
LONG_IDLE_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Rated:
    """One rating in the order of reading; times are None where the browser did not measure.

    label: "" where one answer throughout is no sign, as in a phase in which nearly all images are called usual.
    """

    label: str
    active_ms: int | None
    idle_ms: int | None


def flags(rated: Sequence[Rated]) -> list[str]:
    """What an organiser should look into, in words without labels."""
    if len(rated) < FEWEST:
        return []
    return [words for words in (_too_fast(rated), _straight_lining(rated), _long_idle(rated)) if words]


def _too_fast(rated: Sequence[Rated]) -> str:
    times = [rating.active_ms for rating in rated if rating.active_ms is not None]
    if len(times) < FEWEST or median(times) >= TOO_FAST_MS:
        return ""
    return f"too fast: half of the images in under {TOO_FAST_MS // 1000} seconds"


def _straight_lining(rated: Sequence[Rated]) -> str:
    labels = [rating.label for rating in rated if rating.label]
    if len(labels) < FEWEST:
        return ""
    longest = run = 1
    for before, label in pairwise(labels):
        run = run + 1 if label == before else 1
        longest = max(longest, run)
    share = Counter(labels).most_common(1)[0][1] / len(labels)
    if longest >= ONE_LABEL_RUN or share > ONE_LABEL_SHARE:
        return "straight-lining: nearly the same answer throughout"
    return ""


def _long_idle(rated: Sequence[Rated]) -> str:
    idle = sum((rating.idle_ms or 0) >= LONG_IDLE_MS for rating in rated)
    return f"long idle: {idle} images left open for 10 minutes and more" if idle else ""
