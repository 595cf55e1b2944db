"""A table of findings: which row says what of which file, also where an image has several rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from pool.imports.columns import check_columns, values_of
from pool.imports.dialects import Table, parse
from pool.imports.labels import (
    MAX_LABEL,
    SPLITS,
    BadSourceError,
    Facts,
    Labels,
    NoRowError,
    joined,
    split_folder,
    split_of,
)
from pool.imports.layouts import Findings, Row, is_by_study, layout_of, notes_on, study_labels
from pool.imports.notes import Note
from pool.imports.people import age_band_of, sex_of
from pool.imports.placeholders import is_missing
from pool.imports.row_names import RowNames, tidy_path

MAX_READERS = 50


@dataclass
class TableLabels:
    """Facts by the name of a row; what is wrong with a row by its name too."""

    rows: dict[str, Facts]
    bad: dict[str, str]
    title: str
    _file_of_row: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._names = RowNames([*self.rows, *self.bad])

    def of(self, name: str) -> Facts:
        keys, folders_agree = self._names.nearest(name)
        if not keys:
            raise NoRowError(f"The file has no row in {self.title}.")
        if len(keys) > 1:
            raise NoRowError(
                f"{len(keys)} rows of {self.title} may stand for this file: “{keys[0]}” and “{keys[1]}”."
            )
        key = keys[0]
        other = self._file_of_row.setdefault(key, name)
        if key in self.bad:
            raise NoRowError(self.bad[key])
        if other != name:
            raise NoRowError(f"The row “{key}” of {self.title} already stands for {other}.")
        facts = self.rows[key]
        if not facts.split:
            split, split_notes = split_of(split_folder(name))
            facts = replace(facts, split=split, notes=(*facts.notes, *split_notes))
        if folders_agree:
            return facts
        note = Note(
            "label", f"The row “{key}” of {self.title} names another folder; it was taken by the file's name."
        )
        return replace(facts, notes=(*facts.notes, note))

    def unused(self) -> list[str]:
        return [key for key in [*self.rows, *self.bad] if key not in self._file_of_row]


def read_table(data: bytes, title: str, *, columns: Collection[str] = ()) -> Labels:
    """Rows of a table of findings, with these further columns. Raises BadSourceError when it is none, or lacks one."""
    return labels_of(parse(data, title), title, columns)


def labels_of(table: Table, title: str, columns: Collection[str] = ()) -> Labels:
    """What the rows of a table say of files. Raises BadSourceError when they say nothing of any."""
    check_columns(table, columns, title)
    findings_of = layout_of(table, columns)
    if findings_of is not None and is_by_study(table):
        return study_labels(table, title, findings_of, columns)
    missing = [] if table.has("file") else ["file"]
    if findings_of is None:
        missing.append("label")
    if missing or findings_of is None:
        raise BadSourceError(f"{title} has no column {' and no column '.join(missing)}.")
    return gathered(table, title, findings_of, columns)


def gathered(
    table: Table, title: str, findings_of: Callable[[Row], Findings], columns: Collection[str] = ()
) -> TableLabels:
    """Facts of each file in the table, whose rows of one file are brought together."""
    by_file: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in table.rows:
        if key := tidy_path(table.cell(row, "file")):
            by_file[key].append(row)
    numbered = any(table.cell(row, "patient") not in {"", "0"} for row in table.rows)
    rows: dict[str, Facts] = {}
    bad: dict[str, str] = {}
    for key, lines in by_file.items():
        try:
            facts = _facts(lines, table, title, findings_of, numbered=numbered)
            values, notes = values_of(lines, columns)
            rows[key] = replace(facts, columns=values, notes=(*facts.notes, *notes))
        except NoRowError as error:
            bad[key] = str(error)
    return TableLabels(rows, bad, title)


def _facts(
    lines: list[dict[str, str]],
    table: Table,
    title: str,
    findings_of: Callable[[Row], Findings],
    *,
    numbered: bool,
) -> Facts:
    """What the rows of one file say together. Raises NoRowError where they contradict each other."""
    values = {
        name: {table.cell(line, name) for line in lines} - {""}
        for name in ("patient", "split", "view", "licence", "site")
    }
    for name, several in values.items():
        if len(several) > 1:
            raise NoRowError(f"{title} has more than one row for this file, and they differ in {name}.")
    patient, split, view, licence, site = (
        next(iter(values[name]), "") for name in ("patient", "split", "view", "licence", "site")
    )
    if split and split.casefold() not in SPLITS:
        raise NoRowError(f"The split “{split[:20]}” in {title} is neither train nor test.")
    findings = {id(line): findings_of(line) for line in lines}
    label, readers, notes = _label(lines, table, title, lambda line: findings[id(line)].label)
    notes += notes_on(list(findings.values()))
    if len(label) > MAX_LABEL:
        raise NoRowError(f"The label in {title} is longer than {MAX_LABEL} letters.")
    if table.encoding not in {"ascii", "utf-8", "utf-16"}:
        notes.append(Note("names", f"{title} is not in UTF-8; it was read as {table.encoding}."))
    if is_missing(patient) or (patient == "0" and not numbered):
        notes.append(Note("patient", f"“{patient}” stands for no patient; no patient was noted."))
        patient = ""
    split, split_notes = split_of(split)
    person = {name: _alone(lines, table, name) for name in ("sex", "age")}
    return Facts(
        label,
        patient,
        split,
        view,
        licence,
        (*notes, *split_notes),
        readers,
        site,
        sex_of(person["sex"]),
        age_band_of(person["age"]),
    )


def _alone(lines: list[dict[str, str]], table: Table, name: str) -> str:
    """What all rows of a file that say it agree on; empty where they do not."""
    values = {table.cell(line, name) for line in lines} - {""}
    return values.pop() if len(values) == 1 else ""


def _label(
    lines: list[dict[str, str]], table: Table, title: str, label_of: Callable[[dict[str, str]], str]
) -> tuple[str, dict[str, str], list[Note]]:
    """The finding of one file, what each reader found where readers are named, and what is to be noted of it."""
    if table.has("reader"):
        by_reader: dict[str, list[str]] = defaultdict(list)
        for line in lines:
            by_reader[table.cell(line, "reader") or "unnamed"].append(label_of(line))
        readers = {reader: joined(findings) for reader, findings in list(by_reader.items())[:MAX_READERS]}
        return _of_readers(readers)
    labels = list(dict.fromkeys(filter(None, map(label_of, lines))))
    if len(labels) > 1 and not table.has_boxes:
        raise NoRowError(f"{title} has more than one row for this file, and they differ in the label.")
    return joined(labels), {}, []


def _of_readers(readers: dict[str, str]) -> tuple[str, dict[str, str], list[Note]]:
    """What most readers found; where they differ, that is noted."""
    votes = Counter(
        finding for findings in readers.values() for finding in set(findings.split("|")) if finding
    )
    label = joined([finding for finding, number in votes.items() if 2 * number > len(readers)])
    if len(set(readers.values())) == 1:
        return label, readers, []
    return (
        label,
        readers,
        [Note("label", f"{len(readers)} readers differ; what most of them found was taken.")],
    )
