"""What raters wrote, as tables of the report: how often each reason was ticked, and every remark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rating.results.display_names import MODALITIES
from rating.results.exhibit import Cell, Table
from rating.results.query import Said
from rating.statistics.columns import StudyColumns
from rating.studies.purpose_words import speaks_of_it

MOST_REMARKS = 300
TRUTH = "Truth"


@dataclass(frozen=True, slots=True)
class Remark:
    """What was said of an image, with what is known of the image."""

    said: Said
    modality: str
    truth: str

    def place(self) -> tuple[str, str, str]:
        """Where it stands in a table: by modality, image and rater."""
        return self.modality, self.said.image, self.said.rater


def with_facts(columns: StudyColumns, said: Sequence[Said]) -> list[Remark]:
    """What was said of the images of these columns, with their facts."""
    facts = dict(zip(columns.images, zip(columns.modality, columns.truth, strict=True), strict=True))
    return [
        Remark(one, MODALITIES[facts[one.image][0]], facts[one.image][1])
        for one in said
        if one.image in facts
    ]


def remark_tables(columns: StudyColumns, said: Sequence[Said]) -> list[tuple[str, Table]]:
    """Reasons by truth, and remarks by modality and image; the truth only where it is known."""
    told = columns.truth_is_known
    those = with_facts(columns, said)
    tables = []
    reasons = Counter((reason, one.truth) for one in those for reason in one.said.reasons)
    if reasons:
        rows: list[list[Cell]] = [
            [reason, *([truth] if told else []), n] for (reason, truth), n in _by_number(reasons)
        ]
        tables.append(("Reasons given", Table(("Reason", *([TRUTH] if told else []), "Times"), rows)))
    written = sorted((one for one in those if one.said.remark), key=Remark.place)
    if written:
        table = remarks_table(written[:MOST_REMARKS], told=told)
        tables.append(("Remarks", replace(table, notes=_notes(len(written)))))
    return tables


def remarks_table(written: Sequence[Remark], *, told: bool, first_phase: bool = False) -> Table:
    """One row per remark; the truth only where it may be told, and of a first phase whether the words speak of it."""
    rows: list[list[Cell]] = [
        [
            *(one.modality, one.said.image, one.said.rater, one.said.label),
            *([one.truth] if told else []),
            *(", ".join(one.said.reasons), " ".join(one.said.remark.split())),
            *(["by its words" if speaks_of_it(one.said.remark) else ""] if first_phase else []),
        ]
        for one in written
    ]
    head = ("Modality", "Image", "Rater", "Label", *([TRUTH] if told else []), "Reasons", "Remark")
    return Table((*head, "Speaks of generated images") if first_phase else head, rows)


def _by_number(reasons: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))


def _notes(written: int) -> list[str]:
    said = ["A remark describes what was seen; it does not imply a decision."]
    if written > MOST_REMARKS:
        said.append(f"The first {MOST_REMARKS} of {written}; ratings.csv in the bundle has them all.")
    return said
