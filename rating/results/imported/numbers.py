"""Every number that imported ratings give, and which questions they answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pool.canonical.typed_json import as_json, from_json
from rating.results.exhibit import Exhibit
from rating.results.imported.model import NOTICE, ImportedRatings
from rating.results.imported.table import ImportedTable
from rating.results.methods import versions
from rating.results.questions import QUESTIONS, Question
from rating.results.stored_results import LAYOUT, StoredResults
from rating.results.study_results import StudyResults
from rating.results.summary import study_results

# Nobody here knows times, orders, or which generator made an image.
ANSWERED = ("fooled", "telling-apart", "agreement", "labels")


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What the numbers are of, and that this site neither blinded nor timed it."""

    name: str
    notice: str
    where_from: str
    file: str
    sha256: str
    imported_at: str


@dataclass(frozen=True, slots=True)
class ImportedResults:
    """Every number of ratings made elsewhere; without a truth the agreement alone."""

    imported: ImportedFile
    results: StudyResults


def answers_of(row: ImportedRatings) -> ImportedTable:
    return from_json(ImportedTable, row.table)


def results_of_imported(row: ImportedRatings) -> StudyResults:
    """Without a truth the agreement alone. Computed when they are imported, and where that is gone, once more."""
    return stored_results_of(row).typed("numbers", StudyResults, partial(_computed, row))


def stored_results_of(row: ImportedRatings) -> StoredResults:
    """What is computed of a file that never changes, by this version of LungRater."""
    words = f"{LAYOUT} {versions()} {row.slug} {row.file_sha256}"
    return StoredResults(row.results_folder / hashlib.sha256(words.encode()).hexdigest()[:24])


def _computed(row: ImportedRatings) -> StudyResults:
    # In which order they were answered, nobody knows.
    return replace(study_results(answers_of(row).columns()), order_effects=None)


def answered_questions(results: StudyResults) -> Iterator[tuple[Question, list[Exhibit]]]:
    """The questions that have an answer, each with its exhibits."""
    for question in QUESTIONS:
        exhibits = [each for each in question.exhibits_of(results) if not each.why_missing(results)]
        if question.name in ANSWERED and exhibits:
            yield question, exhibits


def exhibit_named(results: StudyResults, name: str) -> Exhibit | None:
    """The exhibit of this name, where these ratings have it."""
    exhibits = (each for _, own in answered_questions(results) for each in own)
    return next((each for each in exhibits if each.name == name), None)


def truth_words(results: StudyResults) -> str:
    if results.truth is None:
        return "The file does not say which images are real: there is agreement only."
    return (
        "Which images are real the file says itself. No primary endpoint was declared to this site before the answers were known; "
        "“unsure” counts as wrong, and the other policies stand beside it."
    )


def plain_of(row: ImportedRatings) -> dict[str, Any]:
    """Every number as JSON, as the command prints it: what they are of, and the agreement as `lungrater agreement` has it."""
    plain: dict[str, Any] = as_json(typed_of(row))
    results = plain["results"]
    return {"imported": plain["imported"], **results["agreement"], **results}


def typed_of(row: ImportedRatings) -> ImportedResults:
    imported_at = f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}"
    file = ImportedFile(row.name, NOTICE, row.origin, row.file_name, row.file_sha256, imported_at)
    return ImportedResults(file, results_of_imported(row))
