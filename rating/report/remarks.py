"""What raters wrote, as tables of the report: how often each reason was ticked, and every remark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
    written = sorted(
        (MODALITIES[facts[one.image][0]], one.image, one.rater, one.label, facts[one.image][1], one.remark)
        for one in those
        if one.remark
    )
    if written:
        lines: list[list[Cell]] = [
            [kind, image, rater, label, *([truth] if told else []), " ".join(remark.split())]
            for kind, image, rater, label, truth, remark in written[:MOST_REMARKS]
        ]
        head = ("Modality", "Image", "Rater", "Label", *([TRUTH] if told else []), "Remark")
        tables.append(("Remarks", Table(head, lines, _notes(len(written)))))
    return tables


def _by_number(reasons: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))


def _notes(written: int) -> list[str]:
    said = ["A remark describes what was seen; it does not imply a decision."]
    if written > MOST_REMARKS:
        said.append(f"The first {MOST_REMARKS} of {written}; ratings.csv in the bundle has them all.")
    return said
