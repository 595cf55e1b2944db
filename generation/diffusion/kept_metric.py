"""The number that a run's best checkpoint is the best by, among what was measured of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

# All of them the lower the better. A distance is by the first extractor, or by that of a name: `fid:NAME`.
DISTANCES = ("fid", "kid")
METRICS = (*DISTANCES, "validation_loss")


def is_metric(name: str) -> bool:
    key, colon, extractor = name.partition(":")
    return bool(extractor) and key in DISTANCES if colon else key in METRICS


def value_of(metrics: Mapping[str, object], name: str) -> float | None:
    """None where it was not measured, or is no number."""
    key, _, extractor = name.partition(":")
    rows = by_extractor(metrics)
    row = next((row for own, row in rows if own == extractor), {}) if extractor else metrics
    value = row.get(key)
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def by_extractor(metrics: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The name of each extractor that measured, the site's first, with what it gave."""
    further = metrics.get("further")
    for row in [metrics, *(further if isinstance(further, list) else [])]:
        network = row.get("extractor")
        yield network["name"] if isinstance(network, Mapping) else "no extractor", row
