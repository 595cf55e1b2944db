"""Every number that imported ratings give, and which questions they answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pool.canonical.typed_json import as_json, from_json
from rating.results.exhibit import Exhibit
from rating.results.imported.model import NOTICE, ImportedRatings
from rating.results.imported.table import ImportedTable
from rating.results.questions import QUESTIONS, Question
from rating.results.study_results import StudyResults
from rating.results.summary import study_results

# Nobody here knows times, orders, or which generator made an image.
ANSWERED = ("fooled", "telling-apart", "agreement", "labels")


def answers_of(row: ImportedRatings) -> ImportedTable:
    return from_json(ImportedTable, row.table)


def results_of_imported(row: ImportedRatings) -> StudyResults:
    """Without a truth the agreement alone."""
    return _results(row.pk, row.file_sha256)


@lru_cache(maxsize=4)
def _results(pk: int, _sha256: str) -> StudyResults:
    columns = answers_of(ImportedRatings.objects.get(pk=pk)).columns()
    # In which order they were answered, nobody knows.
    return replace(study_results(columns), order_effects=None)


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
    """Every number as JSON, which says first of what they are."""
    facts = {
        "name": row.name,
        "notice": NOTICE,
        "where_from": row.origin,
        "file": row.file_name,
        "sha256": row.file_sha256,
        "imported_at": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    plain: dict[str, Any] = as_json(results_of_imported(row))
    return {"imported": facts, **plain["agreement"], **plain}
