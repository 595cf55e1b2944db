"""About how long a job takes, in words."""

from __future__ import annotations

from dataclasses import dataclass

UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how long a job takes, and by what that is said; None, with the reason, where it is not known."""

    seconds: float | None
    sentence: str


def in_words(seconds: float) -> str:
    """“3 hours”, in the largest unit of which there are two at least."""
    for unit, size in UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} seconds" if seconds >= 1.5 else "a second"
