"""A report's numbers as rows to read and as CSV: what is undefined keeps its sentence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from generation.quality.models import QualityReport

COLUMNS = ("part", "of", "key", "name", "estimate", "low", "high", "n_real", "n_fake", "reason", "note")


def rows(numbers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each number with `value` and `interval` in words."""
    return [{**number, "value": _value(number), "interval": _interval(number)} for number in numbers]


def parts(report: QualityReport) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """(kind, name, rows) for each finding and each generator."""
    for kind, parts_of_kind in report.results.get("parts", {}).items():
        for name, numbers in parts_of_kind.items():
            yield kind, name, rows(numbers)


def as_csv(report: QualityReport) -> str:
    """Every number of every part, one a row, with the extractor they are of."""
    extractor = report.results["extractor"]
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow([*COLUMNS, "reference", "candidate", "extractor", "extractor_sha256"])
    every = [("all", "", report.numbers)]
    every += [(kind, name, part_rows) for kind, name, part_rows in parts(report)]
    for kind, of, numbers in every:
        for number in numbers:
            low, high = number["ci"] or ("", "")
            cells = {**number, "part": kind, "of": _guarded(of), "low": low, "high": high}
            table.writerow(
                [
                    *("" if cells[name] is None else cells[name] for name in COLUMNS),
                    _guarded(report.reference.name),
                    _guarded(report.candidate.name),
                    extractor["name"],
                    extractor["sha256"],
                ]
            )
    return out.getvalue()


def _guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip()[:1] in {"=", "+", "-", "@"} else text


def _value(number: Mapping[str, Any]) -> str:
    return "–" if number["estimate"] is None else f"{number['estimate']:.3g}"


def _interval(number: Mapping[str, Any]) -> str:
    return "{:.3g}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{:.3g}".format(*number["ci"]) if number["ci"] else ""
