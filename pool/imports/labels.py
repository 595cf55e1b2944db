"""What is said about each file before anybody looks at it: nothing, its folder's name, or a row of a CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from pool.imports.notes import Note
from pool.texts import line, plain

SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
GROUP_COLUMNS = ("patient", "patient_group", "slice_group")
MAX_LABEL = 100


class BadSource(ValueError):
    """Nothing can be imported from this; the message is one sentence."""


class NoRow(ValueError):
    """This file has no usable row in the CSV; the message is one sentence."""


@dataclass(frozen=True)
class Facts:
    """What is known of a file besides its pixels."""

    label: str = ""
    patient: str = ""
    split: str = ""
    view: str = ""
    licence: str = ""
    notes: tuple[Note, ...] = ()


class Labels(Protocol):
    def of(self, name: str) -> Facts:
        """The facts for the file of this path inside the source. Raises NoRow."""
        ...

    def unused(self) -> list[str]:
        """Names that were described and never asked for."""
        ...


class NoLabels:
    def of(self, name: str) -> Facts:
        return Facts()

    def unused(self) -> list[str]:
        return []


class FolderLabels:
    """The innermost folder is the label; a folder called train or test is the split."""

    def of(self, name: str) -> Facts:
        folders = list(PurePosixPath(name).parts[:-1])
        split = next((SPLITS[part.lower()] for part in folders if part.lower() in SPLITS), "")
        classes = [part for part in folders if part.lower() not in SPLITS]
        label = line(classes[-1]) if classes else ""
        if len(label) > MAX_LABEL:
            raise NoRow(f"The folder's name is longer than {MAX_LABEL} letters.")
        return Facts(label=label, split=split)

    def unused(self) -> list[str]:
        return []


@dataclass
class TableLabels:
    """Rows of a CSV by their `file` column: the whole path, its end, or the bare name."""

    rows: dict[str, Facts]
    bad: dict[str, str]
    title: str
    _file_of_row: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> Facts:
        parts = PurePosixPath(name).parts
        key = next(
            (
                end
                for end in ("/".join(parts[i:]) for i in range(len(parts)))
                if end in self.rows or end in self.bad
            ),
            None,
        )
        if key is None:
            raise NoRow(f"The file has no row in {self.title}.")
        other = self._file_of_row.setdefault(key, name)
        if key in self.bad:
            raise NoRow(self.bad[key])
        if other != name:
            raise NoRow(f"The row “{key}” of {self.title} already stands for {other}.")
        return self.rows[key]

    def unused(self) -> list[str]:
        return [key for key in [*self.rows, *self.bad] if key not in self._file_of_row]


def read_table(data: bytes, title: str) -> TableLabels:
    """Rows of a labels CSV. Raises BadSource when it is not one."""
    try:
        text = plain(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadSource(f"{title} is not UTF-8 text; save it as “CSV UTF-8”.") from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ","
    )
    try:
        columns = {(column or "").strip().lower() for column in reader.fieldnames or []}
        if missing := sorted({"file", "label"} - columns):
            raise BadSource(f"{title} has no column {' and no column '.join(missing)}.")
        table = TableLabels({}, {}, title)
        for raw in reader:
            _add_row(
                table,
                {(k or "").strip().lower(): (v or "").strip() for k, v in raw.items() if isinstance(v, str)},
            )
    except csv.Error as error:
        raise BadSource(f"{title} cannot be read as a CSV: {error}.") from error
    return table


def _add_row(table: TableLabels, row: dict[str, str]) -> None:
    key = _tidy(row.get("file", ""))
    if not key:
        return
    split = row.get("split", "").lower()
    if key in table.rows or key in table.bad:
        table.rows.pop(key, None)
        table.bad[key] = f"{table.title} has more than one row for this file."
    elif split and split not in SPLITS:
        table.bad[key] = f"The split “{split[:20]}” in {table.title} is neither train nor test."
    elif len(row.get("label", "")) > MAX_LABEL:
        table.bad[key] = f"The label in {table.title} is longer than {MAX_LABEL} letters."
    else:
        group = next((row[column] for column in GROUP_COLUMNS if row.get(column)), "")
        table.rows[key] = Facts(
            row.get("label", ""), group, SPLITS.get(split, ""), row.get("view", ""), row.get("licence", "")
        )


def _tidy(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./").strip("/")
