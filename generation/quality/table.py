"""A report's numbers as CSV: what is undefined keeps its sentence."""

from __future__ import annotations

import csv
import io

from generation.metrics.number import Number
from generation.quality.models import Part, QualityReport
from pool.canonical.guarding import guarded

COLUMNS = ("part", "of", "key", "name", "estimate", "low", "high", "n_real", "n_fake", "reason", "note")


def as_csv(report: QualityReport) -> str:
    """Every number of every part, one a row, with the extractor that it is of; grey levels are of none."""
    sha256 = {facts["name"]: facts["sha256"] for facts in report.extractor_facts}
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow([*COLUMNS, "reference", "candidate", "extractor", "extractor_sha256"])
    names = [guarded(report.reference.name), guarded(report.candidate.name)]
    for part in [Part("all", "", report.numbers), *report.parts]:
        for number in part.numbers:
            cells = _cells(part, number)
            extractor = report.extractor_of(number)
            table.writerow([*cells, *names, guarded(extractor), sha256.get(extractor, "")])
    return out.getvalue()


def _cells(part: Part, number: Number) -> list[str | float]:
    """In the order of COLUMNS; what is undefined is empty."""
    low, high = number.ci or ("", "")
    estimate = "" if number.estimate is None else number.estimate
    names = (part.kind, guarded(part.name), number.key, number.name)
    return [*names, estimate, low, high, number.n_real, number.n_fake, number.reason, number.note]
