"""Did anybody notice, before being told, that images may be generated?

Raters who have noticed write so in free text, which is what the literature reports; whether they call generated images
unusual more often than real ones is asked beside it. Nothing of this phase goes into the numbers of the informed one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from rating.results.exhibit import (
    ESTIMATE,
    Cell,
    Exhibit,
    Table,
    estimate_cells,
    methods_note,
    of_first_phase,
)
from rating.results.study_results import (
    BLINDED,
    FirstPhase,
    FirstPhaseRater,
    FirstPhaseRemark,
    StudyResults,
    UnusualCalls,
)
from rating.statistics.arrays import Flags
from rating.statistics.columns import StudyColumns
from rating.statistics.mrmc.ustatistic import mean, nested_difference
from rating.statistics.proportions import clopper_pearson
from rating.studies.purpose_words import speaks_of_it

FIRST = 1
READ_THEM = (
    "Clopper and Pearson's interval over raters. Remarks are found by words such as fake, generated, artificial or AI, in "
    "English, German and Arabic; the words are the same for every study. Read them, and those not found (under Remarks, "
    "first phase), before you quote the share."
)


class Remark(Protocol):
    """One rater's words on one image."""

    @property
    def rater(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def remark(self) -> str: ...


def first_phase_results(columns: StudyColumns, remarks: Iterable[Remark]) -> FirstPhase:
    """What raters called the images while they did not know the purpose; by truth where that is known.

    columns: of the first phase, labels usual, unusual, unsure. A rater has noticed who wrote of it at least once.
    """
    table = columns.table(FIRST)
    of_purpose = [remark for remark in remarks if speaks_of_it(remark.remark)]
    by_rater = Counter(remark.rater for remark in of_purpose)
    unusual, rated = table.codes == table.labels.index("unusual"), table.codes >= 0
    readers = [name for name, row in zip(table.raters, rated, strict=True) if row.any()]
    counts = {label: (table.codes == code).sum(axis=1) for code, label in enumerate(table.labels)}
    return FirstPhase(
        tuple(
            FirstPhaseRater(
                name,
                int(rated[place].sum()),
                int(counts["usual"][place]),
                int(counts["unusual"][place]),
                int(counts["unsure"][place]),
                by_rater[name],
            )
            for place, name in enumerate(table.raters)
        ),
        clopper_pearson(sum(name in by_rater for name in readers), len(readers)),
        tuple(FirstPhaseRemark(remark.rater, remark.image, remark.remark) for remark in of_purpose),
        _by_truth(columns.truth, unusual, rated) if columns.truth_is_known else None,
    )


def _by_truth(truth: Sequence[str], unusual: Flags, rated: Flags) -> UnusualCalls:
    fake = np.array([word == "fake" for word in truth], dtype=np.bool_)
    calls = unusual.astype(np.float64)
    sides = (calls[:, fake], rated[:, fake]), (calls[:, ~fake], rated[:, ~fake])
    return UnusualCalls(mean(*sides[0]), mean(*sides[1]), nested_difference(*sides[0], *sides[1]))


def _of(results: StudyResults) -> FirstPhase:
    if results.first_phase is None:
        raise ValueError("The study has no first phase.")
    return results.first_phase


def who_noticed(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [row.rater, row.images, row.usual, row.unusual, row.unsure, row.remarks]
        for row in _of(results).raters
    ]
    head = ("Rater", "Images", "Usual", "Unusual", "Unsure", "Remarks that speak of generated images")
    return Table(head, rows)


def how_many_noticed(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [["Raters who wrote of it at least once", *estimate_cells(_of(results).noticed)]]
    return Table(("Share of", *ESTIMATE), rows, [READ_THEM])


def what_they_wrote(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [[row.rater, row.image, row.remark] for row in _of(results).remarks]
    return Table(("Rater", "Image", "Remark"), rows)


def called_unusual(results: StudyResults) -> Table:
    unusual = _of(results).unusual
    if unusual is None:
        raise ValueError(BLINDED)
    shares = {
        "Generated images": unusual.fake,
        "Real images": unusual.real,
        "Generated less real": unusual.difference,
    }
    rows: list[list[Cell]] = [[name, *estimate_cells(share.estimate)] for name, share in shares.items()]
    return Table(
        ("Called unusual", *ESTIMATE), rows, [methods_note(share.primary_method for share in shares.values())]
    )


EXHIBITS = (
    Exhibit(
        "noticed",
        "How many raters noticed before they were told",
        how_many_noticed,
        words="In the first phase raters did not know that some images are generated. It is kept apart from all other numbers.",
        fits=of_first_phase,
    ),
    Exhibit("noticed-by-rater", "Each rater in the first phase", who_noticed, fits=of_first_phase),
    Exhibit(
        "noticed-remarks",
        "Remarks that speak of it",
        what_they_wrote,
        missing=lambda results: None if _of(results).remarks else "No remark speaks of generated images.",
        fits=of_first_phase,
    ),
    Exhibit(
        "called-unusual",
        "What was called unusual, by truth",
        called_unusual,
        missing=lambda results: BLINDED if _of(results).unusual is None else None,
        fits=of_first_phase,
    ),
)
