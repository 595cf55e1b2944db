"""What raters wrote, as tables of the report: how often each reason was ticked, and every remark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rating.analysis.columns import StudyColumns
from rating.analysis.study import Said
from rating.report.exhibit import Cell, Table
from rating.report.words import MODALITIES

MOST_REMARKS = 300
TRUTH = "Truth"


def remark_tables(columns: StudyColumns, said: Sequence[Said]) -> list[tuple[str, Table]]:
    """Reasons by truth, and remarks by modality and image; the truth only where it is known."""
    facts = dict(zip(columns.images, zip(columns.modality, columns.truth, strict=True), strict=True))
    told = columns.truth_is_known
    those = [one for one in said if one.image in facts]
    tables = []
    reasons = Counter((reason, facts[one.image][1]) for one in those for reason in one.reasons)
    if reasons:
        rows: list[list[Cell]] = [
            [reason, *([truth] if told else []), n] for (reason, truth), n in _by_number(reasons)
        ]
        tables.append(("Reasons given", Table(("Reason", *([TRUTH] if told else []), "Times"), rows)))
    written = [(one, MODALITIES[facts[one.image][0]], facts[one.image][1]) for one in those if one.remark]
    written.sort(key=lambda row: (row[1], row[0].image, row[0].rater))
    if written:
        table = remarks_table(written[:MOST_REMARKS], told=told)
        tables.append(("Remarks", replace(table, notes=_notes(len(written)))))
    return tables


def remarks_table(written: Sequence[tuple[Said, str, str]], *, told: bool) -> Table:
    """One row per remark, of (what was said, modality, truth); the truth only where it may be told."""
    rows: list[list[Cell]] = [
        [
            *(kind, said.image, said.rater, said.label),
            *([truth] if told else []),
            *(", ".join(said.reasons), " ".join(said.remark.split())),
        ]
        for said, kind, truth in written
    ]
    return Table(
        ("Modality", "Image", "Rater", "Label", *([TRUTH] if told else []), "Reasons", "Remark"), rows
    )


def _by_number(reasons: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))


def _notes(written: int) -> list[str]:
    said = ["A remark describes what was seen; it does not imply a decision."]
    if written > MOST_REMARKS:
        said.append(f"The first {MOST_REMARKS} of {written}; ratings.csv in the bundle has them all.")
    return said
