"""What a check of the audit says: a colour, the reason and the remedy, in a sentence each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


SEVERITY = {Verdict.GREEN: 0, Verdict.AMBER: 1, Verdict.RED: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def worst(findings: list[Finding]) -> Verdict:
    """The colour of the whole audit: that of its worst check."""
    return max((finding.verdict for finding in findings), key=SEVERITY.__getitem__, default=Verdict.GREEN)
