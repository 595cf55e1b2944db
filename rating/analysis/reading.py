"""Ratings from a CSV file: the same file that a study exports."""

import csv
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TextIO

from rating.analysis.table import LABELS, MISSING, RatingsError, RatingsTable, TableBuilder, check_labels

REQUIRED = ("rater", "image", "label")
COUNTED_KINDS = ("", "main")


class UnknownColumnError(RatingsError):
    """A column that was asked for and is not in the file."""


def read_ratings(
    source: str | PathLike[str] | TextIO,
    labels: Sequence[str] = LABELS,
    by: str | None = None,
    session: str | None = None,
) -> RatingsTable:
    """The ratings of a CSV with the columns rater, image and label (RFC 4180, UTF-8, header row).

    by: the column that groups images; `modality` where there is one, unless said otherwise. session: only the rows
    of that session. Practice, probe and repeat presentations (column `kind`) are left out, so that no image counts
    twice; an empty label is an image not rated. Raises RatingsError, naming line and column, and OSError.
    """
    if isinstance(source, str | PathLike):
        with Path(source).open(encoding="utf-8-sig", newline="") as file:
            return read_ratings(file, labels, by, session)
    try:
        return _read(csv.reader(source, strict=True), tuple(labels), by, session)
    except UnicodeDecodeError as error:
        raise RatingsError("The file is not UTF-8 text; save it as CSV UTF-8.") from error


def _read(
    reader: Iterator[list[str]], labels: tuple[str, ...], by: str | None, session: str | None
) -> RatingsTable:
    check_labels(labels)
    lines = _Lines(reader)
    header = next(lines, None)
    if header is None:
        raise RatingsError(
            "The file is empty; it needs a header row with the columns rater, image and label."
        )
    columns = _columns(header, by, session)
    by = by or ("modality" if "modality" in columns else None)
    code_of = {label: code for code, label in enumerate(labels)} | {"": MISSING}
    builder = TableBuilder(labels, by)
    study: str | None = None
    for row in lines:
        if not row:
            continue
        if len(row) != len(header):
            raise RatingsError(
                f"Line {lines.number} has {len(row)} cells where the header has {len(header)}."
            )
        cell = {name: row[place].strip() for name, place in columns.items()}
        if cell.get("kind", "").lower() not in COUNTED_KINDS or (session and cell["session"] != session):
            continue
        study = _same_study(study, cell.get("study"), lines.number)
        _add(builder, cell, code_of, lines.number)
    return builder.table()


class _Lines:
    """The rows of the file, each with its line number; a broken row is one sentence."""

    def __init__(self, reader: Iterator[list[str]]) -> None:
        self.reader = reader

    @property
    def number(self) -> int:
        return int(getattr(self.reader, "line_num", 0))

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> list[str]:
        try:
            return next(self.reader)
        except csv.Error as error:
            raise RatingsError(f"Line {self.number} is not CSV: {error}.") from error


def _columns(header: list[str], by: str | None, session: str | None) -> dict[str, int]:
    """Where each column that matters stands."""
    names = [name.strip().lower() for name in header]
    asked = [*([by.lower()] if by else []), *(["session"] if session else [])]
    for name in (*REQUIRED, *asked):
        if name not in names:
            kind = UnknownColumnError if name in asked else RatingsError
            raise kind(f"Line 1: there is no column {name!r}; the columns are {', '.join(names)}.")
    kept = {*REQUIRED, *asked, "kind", "modality", "study"}
    for name in sorted(kept):
        if names.count(name) > 1:
            raise RatingsError(f"Line 1: the column {name!r} is there {names.count(name)} times.")
    return {name: place for place, name in enumerate(names) if name in kept}


def _same_study(study: str | None, found: str | None, line: int) -> str | None:
    """The one study of the file: R01 of one study and R01 of another are different people."""
    if study is not None and found != study:
        raise RatingsError(
            f"Line {line}, column 'study': {found!r} follows {study!r}; raters of two studies cannot be told apart, "
            "so give one study at a time."
        )
    return found


def _add(builder: TableBuilder, cell: dict[str, str], code_of: dict[str, int], line: int) -> None:
    for name in ("rater", "image"):
        if not cell[name]:
            raise RatingsError(f"Line {line}, column {name!r}: it is empty.")
    label = cell["label"]
    code = code_of.get(label, code_of.get(label.lower()))
    if code is None:
        allowed = ", ".join(name for name in code_of if name)
        raise RatingsError(f"Line {line}, column 'label': {label!r} is not one of {allowed}.")
    group = cell.get(builder.by.lower(), "") if builder.by else ""
    trouble = builder.add(cell["rater"], cell["image"], code, group)
    if trouble:
        raise RatingsError(f"Line {line}, column 'image': {trouble}.")
