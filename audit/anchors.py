"""An anchor: a chain's head as one line, to be kept where nobody who can reach the database can reach it."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = re.compile(r"^\s*(?P<chain>\S.*?)\s+(?P<number>\d+)\s+(?P<sha256>[0-9a-f]{64})\s*$")


class NotAnAnchorError(ValueError):
    """This line is no anchor; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Row `number` of `chain` had this hash; with it stands every row before it."""

    chain: str
    number: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.chain} {self.number} {self.sha256}"


def read_anchors(text: str) -> list[Anchor]:
    """The anchors in these lines; empty lines and those that begin with # say nothing."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [_anchor(line) for line in lines]


def _anchor(line: str) -> Anchor:
    match = LINE.match(line)
    if match is None:
        raise NotAnAnchorError(
            f"“{line.strip()[:80]}” is no anchor: one is CHAIN NUMBER SHA256, as “site 12 3f…”."
        )
    return Anchor(match["chain"], int(match["number"]), match["sha256"])
