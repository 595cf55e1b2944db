"""Ratings from a CSV file: the same file that a study exports."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TextIO

import numpy as np

from rating.statistics.ratings_sources import as_text, declared_separator, separator_of
from rating.statistics.ratings_table import (
    LABELS,
    MISSING,
    BadRowError,
    RatingsError,
    RatingsTable,
    check_labels,
)

REQUIRED = ("rater", "image", "label")
UNDERSTOOD = ("kind", "modality", "study", "session")
COUNTED_KINDS = ("", "main")
STDIN = "-"
NOT_RATED = ("na", "n/a", "nan", "null", "none", "-", ".")  # what programs write for nothing


class UnknownColumnError(RatingsError):
    """A column that was asked for and is not in the file."""


def read_ratings(
    source: str | PathLike[str] | TextIO,
    labels: Sequence[str] = LABELS,
    by: str | None = None,
    session: str | None = None,
    wide: bool = False,
) -> RatingsTable:
    """The ratings of a table with the columns rater, image and label (RFC 4180, UTF-8, header row).

    Semicolons, tabs or pipes may stand for the commas, a first line may declare them (`sep=;`); an Excel sheet and exports
    of Label Studio and doccano are read too, and `-` is the standard input. No sentence of a refusal repeats the file.
    wide: each line is an image, named in the column `image` or else in the first, and each further column a rater.
    by: the column that groups images; `modality` where there is one, unless said otherwise. session: only the rows
    of that session, which a file of several needs: an image may be read again in each, and a study in two phases asks
    another question in its first. Practice, probe and repeat presentations (column `kind`) are left out, so that no image counts
    twice; an empty label is an image not rated. Raises RatingsError, naming line and column, and OSError.

    >>> from io import StringIO
    >>> table = read_ratings(StringIO("rater;image;label\\nR01;a;real\\nR02;a;fake\\nR02;b;NA\\n"))
    >>> table.raters, table.images, table.ratings
    (('R01', 'R02'), ('a', 'b'), 2)
    """
    if isinstance(source, str | PathLike):
        content = sys.stdin.buffer.read() if str(source) == STDIN else Path(source).read_bytes()
        return read_ratings(as_text(content), labels, by, session, wide)
    first = source.readline()
    skipped = 0
    if separator := declared_separator(first):
        first, skipped = source.readline(), 1
    lines = csv.reader(
        chain([first] if first else [], source), delimiter=separator or separator_of(first), strict=True
    )
    return _read(_Lines(lines, skipped), tuple(labels), by, session, wide)


def _read(
    lines: _Lines, labels: tuple[str, ...], by: str | None, session: str | None, wide: bool
) -> RatingsTable:
    check_labels(labels)
    header = next(lines, None)
    if header is None:
        raise RatingsError(
            "The file is empty; it needs a header row with the columns rater, image and label."
        )
    columns = _wide_columns(header, by, session) if wide else _columns(header, by, session)
    raters = {
        place: name.strip() for place, name in enumerate(header) if wide and place not in columns.values()
    }
    by = by or ("modality" if "modality" in columns else None)
    rows = _Rows(labels)
    sessions: set[str] = set()
    try:
        for row in lines:
            if not row:
                continue
            if len(row) != len(header):
                raise RatingsError(
                    f"Line {lines.number} has {len(row)} cells where the header has {len(header)}."
                )
            cell = {name: row[place].strip() for name, place in columns.items()}
            sessions.add(cell.get("session", ""))
            if cell.get("kind", "").lower() in COUNTED_KINDS and (not session or cell["session"] == session):
                for rating in _ratings(cell, row, raters):
                    rows.add(rating, by.lower() if by else None, lines.number)
        return rows.table(by)
    except RatingsError as error:
        if session or "session" not in columns:
            raise
        sessions |= {row[columns["session"]].strip() for row in lines if len(row) == len(header)}
        if len(sessions) < 2:
            raise
        raise RatingsError(
            f"{error} The file holds the sessions {', '.join(sorted(sessions))}; --session N reads one of them."
        ) from error


def _ratings(cell: dict[str, str], row: list[str], raters: dict[int, str]) -> Iterator[dict[str, str]]:
    """The ratings of one line: its own, or one of each rater whose column it crosses."""
    if not raters:
        yield cell
    for place, rater in raters.items():
        yield {**cell, "rater": rater, "label": row[place].strip()}


class _Rows:
    """The columns of the table, with the line that each row came from."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.code_of = {label: code for code, label in enumerate(labels)} | {"": MISSING}
        self.code_of |= {mark: MISSING for mark in NOT_RATED if mark not in self.code_of}
        self.raters: list[str] = []
        self.images: list[str] = []
        self.codes: list[int] = []
        self.groups: list[str] = []
        self.lines: list[int] = []
        self.study: str | None = None

    def add(self, cell: dict[str, str], by: str | None, line: int) -> None:
        """Take the cells of one line, or say what is wrong with them."""
        for name in ("rater", "image"):
            if not cell[name]:
                raise RatingsError(f"Line {line}, column {name!r}: it is empty.")
        label = cell["label"]
        code = self.code_of.get(label, self.code_of.get(label.lower()))
        if code is None:
            allowed = ", ".join(self.labels)
            raise RatingsError(
                f"Line {line}, column 'label': it is not one of {allowed}; leave it empty, or declare the labels with --labels."
            )
        self._same_study(cell.get("study"), line)
        self.raters.append(cell["rater"])
        self.images.append(cell["image"])
        self.codes.append(code)
        self.groups.append(cell[by] if by else "")
        self.lines.append(line)

    def table(self, by: str | None) -> RatingsTable:
        """The table of all lines."""
        codes = np.array(self.codes, dtype=np.int8)
        try:
            return RatingsTable.from_columns(self.raters, self.images, codes, self.groups, self.labels, by)
        except BadRowError as error:
            raise RatingsError(f"Line {self.lines[error.row]}, column 'image': {error.trouble}.") from error

    def _same_study(self, study: str | None, line: int) -> None:
        """The file is of one study: R01 of one and R01 of another are different people."""
        if self.lines and study != self.study:
            raise RatingsError(
                f"Line {line}, column 'study': it is another study than before; raters of two studies cannot be "
                "told apart, so give one study at a time."
            )
        self.study = study


class _Lines:
    """The rows of the file, each with its line number; a broken row is one sentence."""

    def __init__(self, reader: Iterator[list[str]], skipped: int = 0) -> None:
        self.reader, self.skipped = reader, skipped

    @property
    def number(self) -> int:
        return self.skipped + int(getattr(self.reader, "line_num", 0))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> list[str]:
        try:
            return next(self.reader)
        except csv.Error as error:
            raise RatingsError(
                f"Line {self.number} is not CSV: a quotation mark is open or stands inside a cell; save the file as CSV UTF-8."
            ) from error


def _columns(header: list[str], by: str | None, session: str | None) -> dict[str, int]:
    """Where each column that matters stands."""
    names = [name.strip().lower() for name in header]
    requested = [*([by.lower()] if by else []), *(["session"] if session else [])]
    for name in (*REQUIRED, *requested):
        if name not in names:
            kind = UnknownColumnError if name in requested else RatingsError
            raise kind(
                f"Line 1: there is no column {name!r}; give the columns rater, image and label these names, or say "
                "--wide if each further column is a rater."
            )
    return _places(names, {*REQUIRED, *requested, *UNDERSTOOD})


def _wide_columns(header: list[str], by: str | None, session: str | None) -> dict[str, int]:
    """Where the image and what belongs to it stand; every other column is a rater's."""
    names = [name.strip().lower() for name in header]
    if "image" not in names:
        names[0] = "image"
    requested = [*([by.lower()] if by else []), *(["session"] if session else [])]
    if unknown := next((name for name in requested if name not in names), None):
        raise UnknownColumnError(f"Line 1: there is no column {unknown!r}.")
    columns = _places(names, {"image", *requested, *UNDERSTOOD})
    raters = [name.strip() for place, name in enumerate(header) if place not in columns.values()]
    if not raters or "" in raters or len(set(raters)) < len(raters):
        raise RatingsError("Line 1: each column beside the image's names one rater, and each rater once.")
    return columns


def _places(names: list[str], relevant: set[str]) -> dict[str, int]:
    for name in sorted(relevant):
        if names.count(name) > 1:
            raise RatingsError(f"Line 1: the column {name!r} is there {names.count(name)} times.")
    return {name: place for place, name in enumerate(names) if name in relevant}
