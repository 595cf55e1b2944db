"""An exhibit: one table, mostly with its figure, that answers one question."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rating.results.export.guarding import guarded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

Numbers = Mapping[str, Any]
Cell = str | int | float | None
ESTIMATE = ("Estimate", "SE", "95 % from", "to", "Note")
NOTHING = "–"
UNBLIND = "This depends on which images are real: unblind the study to see it."
ONLY_REALS = "The study has no fake images, so nobody could be fooled."
NOTE = "Note"  # the column whose sentences people read below the table
LONG = 30  # letters: such a cell may break into lines


def _always_there(_numbers: Numbers) -> None:
    """Nothing is missing."""


def of_single_images(numbers: Numbers) -> bool:
    """Of studies whose raters call each image something."""
    return numbers["choice"] is None


def of_sets(numbers: Numbers) -> bool:
    """Of forced choices among several images."""
    return numbers["choice"] is not None


def shown_in(numbers: Numbers) -> str:
    """What raters were shown one of at a time."""
    return "sets" if of_sets(numbers) else "images"


def of_any(_numbers: Numbers) -> bool:
    return True


def of_first_phase(numbers: Numbers) -> bool:
    """Of studies that begin with a purpose-blinded session."""
    return numbers["first_phase"] is not None


def no_fakes(numbers: Numbers) -> str | None:
    return None if numbers["truth"]["fakes"] else ONLY_REALS


def one_sided(numbers: Numbers) -> str | None:
    """Why nothing can be said of telling fakes from real images."""
    truth = numbers["truth"]
    if truth["only"]:
        return str(truth["only"])
    if not truth["fakes"]:
        return "All images are real, so no ROC curve exists."
    return None if truth["curves"] else "No rater rated images of both kinds."


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
        places = [place for place in range(len(self.columns)) if place != at or number]
        rows = [
            [number.get(cell, "") if place == at else cell for place, cell in enumerate(row)]
            for row in self.rows
        ]
        return Table(
            tuple(self.columns[place] for place in places),
            [[row[place] for place in places] for row in rows],
            [*(f"{mark} {sentence}" for sentence, mark in number.items()), *self.notes],
            self.grey,
        )

    def display_rows(self) -> list[dict[str, Any]]:
        """The rows as people read them: numbers rounded, and columns of numbers marked as such."""
        numeric = [head["is_number"] for head in self.heads]
        return [
            {
                "grey": at in self.grey,
                "cells": [
                    {"text": (text := as_text(cell)), "is_number": is_number, "is_long": len(text) > LONG}
                    for cell, is_number in zip(row, numeric, strict=True)
                ],
            }
            for at, row in enumerate(self.rows)
        ]

    @property
    def heads(self) -> list[dict[str, Any]]:
        """The column heads; above numbers they stand to the right."""
        return [
            {"text": name, "is_number": any(isinstance(row[at], int | float) for row in self.rows)}
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
    """A named figure with its table. `table` gives None and `draw` is not asked where `missing` says why."""

    name: str
    title: str
    table: Callable[[Numbers], Table]
    draw: Callable[[Numbers, Theme], Figure] | None = None
    needs_truth: bool = False
    missing: Callable[[Numbers], str | None] = _always_there
    words: str = ""
    fits: Callable[[Numbers], bool] = of_single_images

    @property
    def is_drawn(self) -> bool:
        """For templates, which would call `draw`."""
        return self.draw is not None

    def why_missing(self, numbers: Numbers) -> str | None:
        """The sentence to show in place of the exhibit, None where there is one."""
        if not self.fits(numbers):
            return "This study does not ask that."
        if not numbers["agreement"]["ratings"] and self.fits is not of_first_phase:
            return "There are no ratings."
        if self.needs_truth and numbers["truth"] is None:
            return UNBLIND
        return self.missing(numbers)


def as_text(cell: Cell) -> str:
    """A cell as it is read: three decimals, and a dash for what does not exist."""
    if cell is None or cell == "":
        return NOTHING if cell is None else ""
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return str(cell)


def estimate_cells(estimate: Mapping[str, Any]) -> list[Cell]:
    """The five cells of ESTIMATE."""
    low, high = estimate["ci"] or (None, None)
    return [estimate["estimate"], estimate["se"], low, high, estimate["reason"] or ""]


def rate_cells(estimate: Mapping[str, Any]) -> list[Cell]:
    """Estimate and interval only."""
    low, high = estimate["ci"] or (None, None)
    return [estimate["estimate"], low, high]


def p_cell(p: float | None) -> Cell:
    """A p value as it is printed."""
    return None if p is None else "< 0.001" if p < 0.001 else round(p, 3)


def why_undefined(*estimates: Mapping[str, Any]) -> str:
    """The sentences why some of these do not exist, each once; empty where all do."""
    missing = (
        estimate["reason"] for estimate in estimates if estimate["estimate"] is None and estimate["reason"]
    )
    return " ".join(dict.fromkeys(missing))
