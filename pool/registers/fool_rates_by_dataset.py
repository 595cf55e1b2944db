"""What people made of the pool's images: fool rates of studies that are over and unblinded, to stand beside measures.

Whoever judges images registers at start; the pages of the pool and of what fills it then show the outcome without
knowing what a study is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoolRate:
    """How often a study's raters called these images real; rate and interval are None where undefined."""

    study: str
    address: str
    raters: int
    images: int
    rate: float | None
    interval: tuple[float, float] | None

    @property
    def in_words(self) -> str:
        if self.rate is None:
            return "no rate"
        between = "{:.2f} to {:.2f}".format(*self.interval) if self.interval else "no interval"
        plural = "" if self.raters == 1 else "s"
        return f"{self.rate:.2f} ({between}; {self.images} images, {self.raters} rater{plural})"


Judges = Callable[[Collection[int] | None], Mapping[str, list[FoolRate]]]
_judges: list[Judges] = []


def register(judges: Judges) -> None:
    """Let `judges` have its say on some datasets, or on all: what it has judged, by the keys of `of_dataset` and `of_checkpoint`."""
    if judges not in _judges:
        _judges.append(judges)


def fool_rates(datasets: Collection[int] | None = None) -> dict[str, list[FoolRate]]:
    """What was judged, by key: in studies that drew from these datasets, or in all."""
    rates: dict[str, list[FoolRate]] = {}
    for judges in _judges:
        for key, rates_of_key in judges(datasets).items():
            rates.setdefault(key, []).extend(rates_of_key)
    return rates


def of_dataset(pk: int) -> str:
    return f"dataset {pk}"


def of_checkpoint(sha256: str) -> str:
    return f"checkpoint {sha256}"
