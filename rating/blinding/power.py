"""What a check of the audit would have seen at this number of images: the leak, as an AUC, and how surely.

From a table made by simulation (`bench/leaks.py`): arms that differ in one number alone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypedDict

from rating.blinding.findings import Finding, Leak, Power, Verdict

TABLE = Path(__file__).with_name("power.json")
AUCS = (0.6, 0.7, 0.8)


class TableJSON(TypedDict):
    """`shares`: by check and by images of each arm, how often a leak of each of the `aucs` is not green."""

    aucs: list[float]
    draws: int
    shares: dict[str, dict[str, list[float]]]


def power_of(check: str, real: int, synthetic: int) -> Power | None:
    """Of this check with so many images of each arm; None where the check has no such table.

    Arms of unlike size count as two of their harmonic mean, and that as the next smaller size simulated.
    """
    sizes = _table()["shares"].get(check)
    if sizes is None or not real or not synthetic:
        return None
    each = 2 * real * synthetic / (real + synthetic)
    simulated = max((size for size in map(int, sizes) if size <= each), default=0)
    if not simulated:
        return Power(int(each), tuple(Leak(auc, 0.0) for auc in AUCS))
    return Power(simulated, tuple(map(Leak, AUCS, sizes[str(simulated)])))


def with_power(finding: Finding, real: int, synthetic: int) -> Finding:
    """The finding beside what it would have seen: never green where it would rather have missed a plain leak."""
    power = None if finding.by_construction else power_of(finding.check, real, synthetic)
    if power is None or finding.verdict != Verdict.GREEN or not power.is_too_low:
        return replace(finding, power=power)
    return replace(
        finding,
        verdict=Verdict.UNKNOWN,
        reason=f"{finding.reason} {power.sentence} So that nothing was seen says little.",
        remedy="Show more images of each arm, or say in the methods that this could not be tested.",
        power=power,
    )


@cache
def _table() -> TableJSON:
    table: TableJSON = json.loads(TABLE.read_text())
    return table
