"""What was measured of a dataset by machine, key by key, and as lines to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

HEADLINES = ("fid", "kid", "frd", "machine_auc", "copies")
OF_FURTHER_EXTRACTOR = "fid:"  # and the extractor's name; without it the key is that of the first


class MeasuredBy(TypedDict):
    """Against which dataset, with which network and in which report a dataset was measured."""

    reference: str
    extractor: str
    extractor_sha256: str
    report: int


class Measurement(MeasuredBy):
    """A number of `Dataset.measurements`."""

    name: str
    value: float | None
    interval: tuple[float, float] | None
    n_real: int
    n_fake: int


def in_words(measurements: Mapping[str, Measurement]) -> list[str]:
    """The numbers that people look for first, each with its interval, and what they are of."""
    further = sorted(key for key in measurements if key.startswith(OF_FURTHER_EXTRACTOR))
    keys = ["fid", *further, *HEADLINES[1:]]
    first = [measurements[key] for key in keys if isinstance(measurements.get(key), dict)]
    lines = [_line(measurement) for measurement in first if measurement["value"] is not None]
    if lines:
        lines.append(f"against “{first[0]['reference']}”, extractor {first[0]['extractor']}")
    return lines


def _line(measurement: Measurement) -> str:
    interval = " ({:.3g} to {:.3g})".format(*measurement["interval"]) if measurement["interval"] else ""
    return f"{measurement['name']} {measurement['value']:.3g}{interval}"
