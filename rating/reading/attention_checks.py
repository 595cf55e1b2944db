"""Signs that a rater is not really reading, from times and labels; plain numbers in, words out. No Django.

An organiser sees the words while the study is open, so they must not tell what a rater said: straight-lining
is named, its label is not.
"""

from __future__ import annotations

from dataclasses import dataclass

FEWEST = 10  # ratings, before anything is said
TOO_FAST_MS = 2_000
ONE_LABEL_SHARE = 0.95
ONE_LABEL_RUN = 15
LONG_IDLE_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Habits:
    """How a rater has read so far. Where one answer throughout is no sign, as in a phase in which nearly all images
    are called usual, nothing is `labelled`."""

    ratings: int
    timed: int  # those whose browser measured
    median_ms: float | None
    long_idle: int
    labelled: int
    of_one_label: int  # of the label given most
    longest_run: int  # of one label, in the order of reading


def flags(habits: Habits) -> list[str]:
    """What an organiser should look into, in words without labels."""
    if habits.ratings < FEWEST:
        return []
    return [words for words in (_too_fast(habits), _straight_lining(habits), _long_idle(habits)) if words]


def _too_fast(habits: Habits) -> str:
    if habits.timed < FEWEST or habits.median_ms is None or habits.median_ms >= TOO_FAST_MS:
        return ""
    return f"too fast: half of the images in under {TOO_FAST_MS // 1000} seconds"


def _straight_lining(habits: Habits) -> str:
    if habits.labelled < FEWEST:
        return ""
    share = habits.of_one_label / habits.labelled
    if habits.longest_run >= ONE_LABEL_RUN or share > ONE_LABEL_SHARE:
        return "straight-lining: nearly the same answer throughout"
    return ""


def _long_idle(habits: Habits) -> str:
    if not habits.long_idle:
        return ""
    return f"long idle: {habits.long_idle} images left open for 10 minutes and more"
