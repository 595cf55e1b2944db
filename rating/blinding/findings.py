"""What a check of the audit says: a colour, the reason and the remedy, in a sentence each, and of which images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Unknown is no leave to go on: nothing was seen where nothing, or too little, could be seen."""

    GREEN = "green"
    UNKNOWN = "unknown"
    AMBER = "amber"
    RED = "red"


SEVERITY = {Verdict.GREEN: 0, Verdict.UNKNOWN: 1, Verdict.AMBER: 2, Verdict.RED: 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """No sentence and no detail names an image: which code is generated is not for everybody who reads them."""

    check: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    codes: Sequence[Sequence[str]] = ()  # of the images meant, in groups of what belongs together
    leave_out: Sequence[str] = ()  # codes of the images without which the finding would be none


def worst(findings: Iterable[Finding]) -> Verdict:
    """The colour of the whole audit: that of its worst check."""
    return worst_of(finding.verdict for finding in findings)


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=SEVERITY.__getitem__, default=Verdict.GREEN)
