"""What a check of the audit says: a colour, the reason and the remedy, in a sentence each, and of which images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Required, Self, TypedDict


class Verdict(StrEnum):
    """Unknown is no leave to go on: nothing was seen where nothing, or too little, could be seen."""

    GREEN = "green"
    UNKNOWN = "unknown"
    AMBER = "amber"
    RED = "red"


SEVERITY = {Verdict.GREEN: 0, Verdict.UNKNOWN: 1, Verdict.AMBER: 2, Verdict.RED: 3}


LEAST_POWER = (
    0.5  # below, at the largest AUC looked at, a check would rather have missed the leak than seen it
)


@dataclass(frozen=True, slots=True)
class Leak:
    """How often the check would have raised an alarm where a reader could tell the arms with this AUC."""

    auc: float
    share: float


@dataclass(frozen=True, slots=True)
class Power:
    """Which leaks a check would have seen; `each` is the number of images of each arm that was simulated."""

    each: int
    leaks: tuple[Leak, ...]

    @classmethod
    def of_json(cls, value: Any) -> Self | None:
        """As an audit stores it; None where it has none, as audits of older versions."""
        if not isinstance(value, dict):
            return None
        return cls(value["each"], tuple(Leak(leak["auc"], leak["share"]) for leak in value["leaks"]))

    @property
    def is_too_low(self) -> bool:
        return self.leaks[-1].share < LEAST_POWER

    @property
    def sentence(self) -> str:
        shares = ", ".join(f"of AUC {leak.auc} in {leak.share:.0%}" for leak in self.leaks)
        return f"With {self.each} images of each arm it would have seen a leak {shares} of studies."


@dataclass(frozen=True, slots=True)
class Finding:
    """No sentence and no detail names an image: which code is generated is not for everybody who reads them."""

    check: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)
    codes: Sequence[Sequence[str]] = ()  # of the images meant, in groups of what belongs together
    leave_out: Sequence[str] = ()  # codes of the images without which the finding would be none
    power: Power | None = None  # None where no simulation says
    by_construction: bool = False  # true of how the images were made, not by a test that could have missed it


class FindingJSON(TypedDict, total=False):
    """A finding as an audit stores it; an earlier version's has fewer parts."""

    check: Required[str]
    verdict: Required[str]
    reason: Required[str]
    remedy: str
    detail: Mapping[str, object]
    codes: Sequence[Sequence[str]]
    leave_out: Sequence[str]
    power: Mapping[str, object] | None
    by_construction: bool


def in_words(finding: FindingJSON) -> str:
    """A stored finding's reason, with what its check would have seen at this size."""
    power = Power.of_json(finding.get("power"))
    if power is None or power.sentence in finding["reason"]:
        return finding["reason"]
    return f"{finding['reason']} {power.sentence}"


def worst(findings: Iterable[Finding]) -> Verdict:
    """The colour of the whole audit: that of its worst check."""
    return worst_of(finding.verdict for finding in findings)


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=SEVERITY.__getitem__, default=Verdict.GREEN)
