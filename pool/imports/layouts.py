"""Tables of public data sets whose findings do not stand in one column of words, known by their columns.

NIH ChestX-ray14, VinDr-CXR and Hugging Face's image folders have such a column under another name and need nothing
here; folders of COVID-19 Radiography and of Kaggle's sets are labels themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from pool.imports.columns import values_of
from pool.imports.dialects import Table
from pool.imports.labels import Facts, NoRowError, joined
from pool.imports.notes import Note

Row = dict[str, str]
POSITIVE, NEGATIVE, UNCERTAIN = {"1", "1.0"}, {"", "0", "0.0"}, {"-1", "-1.0"}
# Columns of 0 and 1 that are of the patient or the image, not of what is seen.
NO_FINDINGS = {
    "sex",
    "age",
    "fold",
    "frontal",
    "lateral",
    "x",
    "y",
    "width",
    "height",
    "class_id",
    "index",
    "id",
    "unnamed:_0",
    "",
}
LEAST_FINDINGS = 2
RSNA = {"patientid", "target"}
SIIM = {"imageid", "encodedpixels"}
MIMIC = {"subject_id", "study_id"}
STUDY = re.compile(r"s(\d{6,10})")


@dataclass(frozen=True)
class Findings:
    """What a row says: one label, and what it says without being sure."""

    label: str
    uncertain: tuple[str, ...] = ()


def layout_of(table: Table, kept: Collection[str] = ()) -> Callable[[Row], Findings] | None:
    """How the rows of this table are read, beside the columns to be kept; None for a table that is no known layout."""
    columns = set(table.columns)
    if columns >= SIIM:
        return _siim
    if columns >= RSNA and "class" not in columns:
        return _rsna
    if table.has("label"):
        return lambda row: Findings(table.cell(row, "label"))
    one_hot = {key: title for key, title in _one_hot_columns(table).items() if key not in kept}
    if len(one_hot) >= LEAST_FINDINGS:
        return lambda row: _one_hot(row, one_hot)
    return (lambda _: Findings("")) if kept else None


def _siim(row: Row) -> Findings:
    return Findings("No Pneumothorax" if row.get("encodedpixels", "") in {"", "-1"} else "Pneumothorax")


def _rsna(row: Row) -> Findings:
    return Findings("Lung Opacity" if row.get("target") in POSITIVE else "No Lung Opacity")


def _one_hot_columns(table: Table) -> dict[str, str]:
    """Columns, with their titles, that hold nothing but 1, 0, -1 and blanks, as CheXpert and MIMIC-CXR have them."""
    allowed = POSITIVE | NEGATIVE | UNCERTAIN
    return {
        key: title
        for key, title in table.columns.items()
        if key not in NO_FINDINGS
        and all(row.get(key, "") in allowed for row in table.rows)
        and any(row.get(key, "") in POSITIVE | UNCERTAIN for row in table.rows)
    }


def _one_hot(row: Row, columns: dict[str, str]) -> Findings:
    positive = [title for key, title in columns.items() if row.get(key, "") in POSITIVE]
    uncertain = tuple(title for key, title in columns.items() if row.get(key, "") in UNCERTAIN)
    return Findings(joined(positive), uncertain)


def is_by_study(table: Table) -> bool:
    """Whether a row is of a study, not of an image, as in MIMIC-CXR."""
    return set(table.columns) >= MIMIC and not table.has("file")


class StudyLabels:
    """Facts of all images in the folder of a study, as MIMIC-CXR lays them: p10/p10000032/s50414267/….jpg."""

    def __init__(self, rows: dict[str, Facts], title: str) -> None:
        self.rows, self.title = rows, title
        self._matched: set[str] = set()

    def of(self, name: str) -> Facts:
        study = next((match[1] for part in reversed(name.split("/")) if (match := STUDY.fullmatch(part))), "")
        if study not in self.rows:
            raise NoRowError(f"The file lies in no study that {self.title} names.")
        self._matched.add(study)
        return self.rows[study]

    def unused(self) -> list[str]:
        """None: a table of all studies is usual beside the images of a few."""
        return []


def study_labels(
    table: Table, title: str, findings_of: Callable[[Row], Findings], kept: Collection[str] = ()
) -> StudyLabels:
    rows = {}
    for row in table.rows:
        findings = findings_of(row)
        columns, notes = values_of([row], kept)
        rows[row["study_id"]] = Facts(
            findings.label,
            table.cell(row, "patient"),
            notes=(*notes_on([findings]), *notes),
            columns=columns,
        )
    return StudyLabels(rows, title)


def notes_on(findings: list[Findings]) -> tuple[Note, ...]:
    """A note where a table says that it is not sure."""
    uncertain = list(dict.fromkeys(name for one_row in findings for name in one_row.uncertain))
    if not uncertain:
        return ()
    return (Note("label", f"The table is uncertain about {', '.join(uncertain)}; that is no finding here."),)
