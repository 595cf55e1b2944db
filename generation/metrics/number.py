"""One number of a quality report, with what must stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NotRequired, TypedDict

# The keys of numbers that are of an extractor's features, and mean nothing without its name; and of who sees by the first.
OF_FEATURES = ("fid", "kid", "mmd", "precision", "recall", "density", "coverage")
MACHINE = "machine_auc"


class NumberJSON(TypedDict):
    """A `Number` as reports keep it; those of before there were several extractors lack `extractor`."""

    key: str
    name: str
    better: str
    n_real: int
    n_fake: int
    estimate: float | None
    ci: tuple[float, float] | None
    reason: str
    note: NotRequired[str]
    extractor: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Number:
    """An estimate with its interval and counts, or the reason why there is none."""

    key: str
    name: str
    better: str
    n_real: int
    n_fake: int
    estimate: float | None = None
    ci: tuple[float, float] | None = None
    reason: str = ""
    note: str = ""
    extractor: str = ""  # whose features it is of, if of any

    @property
    def value(self) -> str:
        """The estimate in words."""
        return "–" if self.estimate is None else f"{self.estimate:.3g}"

    @property
    def interval(self) -> str:
        """The interval in words, or nothing."""
        return "{:.3g}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{:.3g}".format(*self.ci) if self.ci else ""
