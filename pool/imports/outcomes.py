"""What became of every file of an import, as a table to download."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NotRequired, TypedDict

from pool.canonical.guarding import guarded
from pool.imports.archives import Refusal
from pool.imports.store import Duplicate
from pool.imports.volumetric.series_choice import Unchosen
from pool.models import FileOutcome, HeldFile, ImportJob

COLUMNS = ("file", "outcome", "detail")
KINDS = {
    Duplicate: FileOutcome.Kind.DUPLICATE,
    Refusal: FileOutcome.Kind.REFUSED,
    Unchosen: FileOutcome.Kind.UNCHOSEN,
}


class ImportReport(TypedDict):
    """What became of the files of an import, as the command prints it with `--json`."""

    imported: int
    notes: list[dict[str, str]]
    duplicates: list[dict[str, str]]
    refused: list[dict[str, str]]
    held: list[dict[str, str]]
    unchosen: NotRequired[list[dict[str, str]]]
    elsewhere: NotRequired[dict[str, int]]  # images of the same pixels in other datasets, by name


def outcome_row(job: ImportJob, outcome: Duplicate | Refusal) -> FileOutcome:
    """What became of a file that is no image of its own, as a row not yet saved."""
    kind = KINDS[type(outcome)]
    return FileOutcome(job=job, kind=kind, source_sha256=outcome.sha256, **outcome.as_json())


OUTSIDE = {FileOutcome.Kind.REFUSED.value: "refused", FileOutcome.Kind.UNCHOSEN.value: "not chosen"}


class _Echo:
    """A file that hands on what is written to it."""

    def write(self, text: str) -> str:
        return text


def outcome_lines(job: ImportJob) -> Iterator[str]:
    """The lines of a CSV: each file once, taken, noted, there already, refused, not chosen or held for release, with the reason."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow(COLUMNS))
    for row in _rows(job):
        yield str(writer.writerow([guarded(cell) for cell in row]))


def _rows(job: ImportJob) -> Iterator[tuple[str, str, str]]:
    images = job.images.order_by("source_name").values_list("source_name", "notes")
    for name, notes in images.iterator(chunk_size=2000):
        yield name, "noted" if notes else "taken", " ".join(note["text"] for note in notes)
    for outcome in job.outcomes.order_by("kind", "pk").iterator(chunk_size=2000):
        if outcome.kind == FileOutcome.Kind.DUPLICATE:
            yield outcome.file, "there already", f"same pixels as {outcome.same_as}"
        else:
            yield outcome.file, OUTSIDE[outcome.kind], outcome.reason
    for held_file in job.held_files.filter(image=None).order_by("source_name").iterator(chunk_size=2000):
        yield held_file.source_name, _desk_word(held_file), held_file.outcome


def _desk_word(held_file: HeldFile) -> str:
    return "held" if held_file.is_waiting else held_file.state
