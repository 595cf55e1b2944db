"""The report of imported ratings, which says on its first page what it is not; and their answers as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import partial

from pool.canonical.guarding import guarded
from pool.figure_style import PRINT, SCREEN, as_file
from rating.results.display_names import counted
from rating.results.exhibit import Exhibit, Table
from rating.results.imported.model import NOTICE, ImportedRatings
from rating.results.imported.numbers import (
    answered_questions,
    answers_of,
    results_of_imported,
    stored_results_of,
    truth_words,
)
from rating.results.report.contents import ExhibitDrawer, Piece, Report, Section
from rating.statistics.ratings_table import LABELS, MISSING

COLUMNS = ("source", "rater", "image", "modality", "truth", "label")
SOURCE = "imported"


def report_on_imported(row: ImportedRatings, date: str) -> Report:
    results = results_of_imported(row)
    agreement = results.agreement
    sizes = ((agreement.ratings, "rating"), (agreement.raters, "rater"), (agreement.images, "image"))
    ratings, raters, images = (counted(number, noun) for number, noun in sizes)
    file = f"“{row.file_name}” (sha256 {row.file_sha256})"
    words = [
        NOTICE,
        f"{ratings} by {raters} of {images}, read from {file} on {row.created_at:%Y-%m-%d}.",
        truth_words(results),
        row.origin or "Nobody has written down where they come from.",
    ]
    sections = [Section("What this is", words)]
    for question, exhibits in answered_questions(results):
        pieces = [Piece(each.title, each.table(results).to_read(), each) for each in exhibits]
        sections.append(Section(question.title, pieces=pieces))
    sources = Table(
        ("Number", "Method"), [[name.replace("_", " "), method] for name, method in results.methods.items()]
    )
    sections.append(Section("Sources of the methods", pieces=[Piece("Formulae", sources)]))
    return Report(f"{row.name} (imported)", date, sections)


def imported_drawer(row: ImportedRatings) -> ExhibitDrawer:
    return partial(drawing_of_imported, row)


def drawing_of_imported(
    row: ImportedRatings, exhibit: Exhibit, kind: str, *, on_screen: bool = False
) -> bytes:
    """Drawn once: the file never changes."""
    draw = exhibit.draw
    if draw is None:
        raise ValueError(f"{exhibit.name} has no drawing.")
    style, name = (SCREEN, "screen") if on_screen else (PRINT, "print")
    return stored_results_of(row).bytes(
        f"{exhibit.name} {name}.{kind}", lambda: as_file(draw(results_of_imported(row), style), kind)
    )


def imported_csv(row: ImportedRatings) -> Iterator[str]:
    """A line per answer; the first column says of each that it was made elsewhere."""
    table = answers_of(row)
    yield _line(COLUMNS)
    for rater, codes in zip(table.raters, table.codes, strict=True):
        for place, code in enumerate(codes):
            if code != MISSING:
                truth = table.truth[place] if table.truth else ""
                image = guarded(table.images[place])
                yield _line((SOURCE, rater, image, table.modality[place], truth, LABELS[code]))


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
