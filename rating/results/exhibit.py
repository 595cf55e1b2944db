"""An exhibit: one table, mostly with its figure, that answers one question."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pool.canonical.guarding import guarded
from rating.results.study_results import BLINDED, StudyResults
from rating.statistics.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

Cell = str | int | float | None
ESTIMATE = ("Estimate", "SE", "95 % from", "to", "Note")
NOTHING = "–"
ONLY_REALS = "The study has no fake images, so nobody could be fooled."
INTERVAL = ("95 % from", "to")
NOTE = "Note"  # the column whose sentences people read below the table
LONG = 30  # letters: such a cell may break into lines


def _nothing_missing(_results: StudyResults) -> None:
    """There is always something to show."""


def of_single_images(results: StudyResults) -> bool:
    """Of studies whose raters call each image something."""
    return not results.shows_sets


def of_sets(results: StudyResults) -> bool:
    """Of forced choices among several images, one of them looked for."""
    return results.forced_choice is not None


def of_arena(results: StudyResults) -> bool:
    """Of studies that compare generators."""
    return results.arena is not None


def unit_name(results: StudyResults) -> str:
    """What raters saw one of at a time."""
    return "sets" if results.shows_sets else "images"


def of_any(_results: StudyResults) -> bool:
    return True


def of_first_phase(results: StudyResults) -> bool:
    """Of studies that begin with a purpose-blinded session."""
    return results.first_phase is not None


def no_fakes(results: StudyResults) -> str | None:
    return None if results.known_truth.fakes else ONLY_REALS


def one_sided(results: StudyResults) -> str | None:
    """Why nothing can be concluded of telling fakes from real images."""
    truth = results.known_truth
    if truth.only:
        return truth.only
    if not truth.fakes:
        return "All images are real, so no ROC curve exists."
    return None if truth.curves else "No rater rated images of both kinds."


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; above numbers it stands to the right."""

    text: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class CellText:
    text: str
    is_number: bool

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG


@dataclass(frozen=True, slots=True)
class RowText:
    cells: tuple[CellText, ...]
    grey: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and rows of cells; None is what does not exist. grey: rows too small to read anything into."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    grey: frozenset[int] = frozenset()

    def to_read(self) -> Table:
        """The same for people: each different sentence of the column of notes once, below, with a number in its place."""
        if NOTE not in self.columns:
            return self
        at = self.columns.index(NOTE)
        number: dict[Cell, str] = {}
        for row in self.rows:
            if row[at]:
                number.setdefault(row[at], f"[{len(number) + 1}]")
        columns = [place for place in range(len(self.columns)) if place != at or number]
        rows = [
            [number.get(cell, "") if place == at else cell for place, cell in enumerate(row)]
            for row in self.rows
        ]
        return Table(
            tuple(self.columns[place] for place in columns),
            [[row[place] for place in columns] for row in rows],
            [*(f"{mark} {sentence}" for sentence, mark in number.items()), *self.notes],
            self.grey,
        )

    def display_rows(self) -> list[RowText]:
        """The rows as people read them: numbers rounded, and columns of numbers marked as such."""
        numeric = [head.is_number for head in self.heads]
        return [
            RowText(
                tuple(
                    CellText(as_text(cell), is_number) for cell, is_number in zip(row, numeric, strict=True)
                ),
                at in self.grey,
            )
            for at, row in enumerate(self.rows)
        ]

    @property
    def heads(self) -> list[Head]:
        return [
            Head(name, any(isinstance(row[at], int | float) for row in self.rows))
            for at, name in enumerate(self.columns)
        ]

    def csv(self) -> str:
        """RFC 4180 with the numbers unrounded."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow(self._own_names())
        for row in self.rows:
            writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
        return buffer.getvalue()

    def _own_names(self) -> list[str]:
        """The column names; one that comes more than once, such as an interval's end, begins with what it belongs to."""
        belongs, names = "", []
        for name in self.columns:
            repeated = self.columns.count(name) > 1
            names.append(f"{belongs} {name}".strip() if repeated else name)
            belongs = belongs if repeated else name
        return names


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A named figure with its table. `table` gives None and `draw` is not called where `missing` says why."""

    name: str
    title: str
    table: Callable[[StudyResults], Table]
    draw: Callable[[StudyResults, Theme], Figure] | None = None
    needs_truth: bool = False
    missing: Callable[[StudyResults], str | None] = _nothing_missing
    words: str = ""
    fits: Callable[[StudyResults], bool] = of_single_images

    @property
    def is_drawn(self) -> bool:
        """For templates, which would call `draw`."""
        return self.draw is not None

    def why_missing(self, results: StudyResults) -> str | None:
        """The sentence to show in place of the exhibit, None where there is one."""
        if not self.fits(results):
            return "This study does not ask that."
        if not results.agreement.ratings and self.fits is not of_first_phase:
            return "There are no ratings."
        if self.needs_truth and results.truth is None:
            return BLINDED
        return self.missing(results)


def as_text(cell: Cell) -> str:
    """A cell as it is read: three decimals, and a dash for what does not exist."""
    if cell is None or cell == "":
        return NOTHING if cell is None else ""
    if isinstance(cell, float):
        text = f"{cell:.3f}"
        return "0.000" if text == "-0.000" else text
    return str(cell)


def estimate_cells(value: Estimate) -> list[Cell]:
    """The five cells of ESTIMATE."""
    low, high = value.ci or (None, None)
    return [value.estimate, value.se, low, high, value.reason or ""]


def rate_cells(value: Estimate) -> list[Cell]:
    """Estimate and interval only."""
    low, high = value.ci or (None, None)
    return [value.estimate, low, high]


def methods_note(methods: Iterable[str]) -> str:
    """How the intervals of a table were made, each method once, as the numbers themselves have it."""
    return f"Intervals: {'; '.join(dict.fromkeys(methods))}."


def p_cell(p: float | None) -> Cell:
    """A p value as it is printed."""
    return None if p is None else "< 0.001" if p < 0.001 else round(p, 3)


def why_undefined(*values: Estimate) -> str:
    """The sentences why some of these do not exist, each once; empty where all do."""
    reasons = (value.reason for value in values if value.estimate is None and value.reason)
    return " ".join(dict.fromkeys(reasons))
