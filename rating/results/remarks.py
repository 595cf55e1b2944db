"""What raters wrote, as tables of the report: how often each reason was ticked, and every remark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rating.results.display_names import MODALITIES
from rating.results.exhibit import Cell, Table
from rating.results.query import Response
from rating.statistics.columns import StudyColumns
from rating.studies.purpose_words import speaks_of_it

MOST_REMARKS = 300
TRUTH = "Truth"


@dataclass(frozen=True, slots=True)
class Remark:
    """An answer on an image, with the facts of the image."""

    response: Response
    modality: str
    truth: str

    def place(self) -> tuple[str, str, str]:
        """Where it stands in a table: by modality, image and rater."""
        return self.modality, self.response.image, self.response.rater


def with_facts(columns: StudyColumns, answers: Sequence[Response]) -> list[Remark]:
    """The answers on the images of these columns, with their facts."""
    facts = dict(zip(columns.images, zip(columns.modality, columns.truth, strict=True), strict=True))
    return [
        Remark(answer, MODALITIES[facts[answer.image][0]], facts[answer.image][1])
        for answer in answers
        if answer.image in facts
    ]


def remark_tables(columns: StudyColumns, answers: Sequence[Response]) -> list[tuple[str, Table]]:
    """Reasons by truth, and remarks by modality and image; the truth only where it is known."""
    with_truth = columns.truth_is_known
    remarks = with_facts(columns, answers)
    tables = []
    reasons = Counter((reason, remark.truth) for remark in remarks for reason in remark.response.reasons)
    if reasons:
        rows: list[list[Cell]] = [
            [reason, *([truth] if with_truth else []), n] for (reason, truth), n in _by_number(reasons)
        ]
        tables.append(("Reasons given", Table(("Reason", *([TRUTH] if with_truth else []), "Times"), rows)))
    written = sorted((remark for remark in remarks if remark.response.remark), key=Remark.place)
    if written:
        table = remarks_table(written[:MOST_REMARKS], with_truth=with_truth)
        tables.append(("Remarks", replace(table, notes=_notes(len(written)))))
    return tables


def remarks_table(written: Sequence[Remark], *, with_truth: bool, first_phase: bool = False) -> Table:
    """One row per remark; the truth only where it may be known, and of a first phase whether the words speak of it."""
    rows: list[list[Cell]] = [
        [
            *(remark.modality, remark.response.image, remark.response.rater, remark.response.label),
            *([remark.truth] if with_truth else []),
            *(", ".join(remark.response.reasons), " ".join(remark.response.remark.split())),
            *(["by its words" if speaks_of_it(remark.response.remark) else ""] if first_phase else []),
        ]
        for remark in written
    ]
    head = ("Modality", "Image", "Rater", "Label", *([TRUTH] if with_truth else []), "Reasons", "Remark")
    return Table((*head, "Speaks of generated images") if first_phase else head, rows)


def _by_number(reasons: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))


def _notes(written: int) -> list[str]:
    notes = ["A remark describes what was seen; it does not imply a decision."]
    if written > MOST_REMARKS:
        notes.append(f"The first {MOST_REMARKS} of {written}; ratings.csv in the bundle has them all.")
    return notes
