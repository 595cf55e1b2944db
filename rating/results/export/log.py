"""The log and the revisions as CSV, with all that their chains are made of."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models
from django.db.models.functions import Cast

from audit.chain import moment
from audit.models import EventQuerySet
from rating.reading.rating import RatingRevision
from rating.results.guarding import guarded
from rating.studies.study import Study

EVENT = ("chain", "number", "at", "subject_kind", "subject_key", "action", "actor_kind", "actor")
EVENT_TEXTS = ("identity_sha256", "reason_sha256", "detail", "sha256", "reason")
REVISION = ("sitting", "chain_number", "rating", "presentation", "number", "client_key", "saved_at", "label")
REVISION_REST = (
    "confidence",
    "reasons",
    "active_ms",
    "idle_ms",
    "view_state",
    "remark_sha256",
    "reason_sha256",
    "second_answers",
    "second_texts_sha256",
)
REVISION_PLACE = ("sha256", "rater", "session", "attempt", "position", "image", "remark", "second_texts")


def event_lines(events: EventQuerySet, *, with_identity: bool = False) -> Iterator[str]:
    """One line per event in the order of the chains; who it was in words only where that may be told."""
    columns = [*EVENT, *EVENT_TEXTS, *(["identity"] if with_identity else [])]
    yield _line(columns)
    rows = events.annotate(detail_text=Cast("detail", models.TextField())).in_order()
    for event in rows.iterator(chunk_size=2000):
        cells = [*(getattr(event, name) for name in EVENT), *(getattr(event, name) for name in EVENT_TEXTS)]
        cells[columns.index("at")] = moment(event.at)
        cells[columns.index("detail")] = event.detail_text  # type: ignore[attr-defined]  # annotated
        cells[columns.index("reason")] = guarded(event.reason)
        if with_identity:
            cells.append(guarded(event.identity))
        yield _line("" if cell is None else str(cell) for cell in cells)


def revision_lines(study: Study) -> Iterator[str]:
    """One line per save, also of sittings that count no more, in the order of the sittings' chains."""
    yield _line([*REVISION, *REVISION_REST, *REVISION_PLACE])
    rows: Any = (
        RatingRevision.objects.filter(sitting__enrolment__study=study)
        .select_related("sitting__enrolment", "rating__presentation__study_image")
        .annotate(
            reasons_text=Cast("reasons", models.TextField()),
            state_text=Cast("view_state", models.TextField()),
            second_text=Cast("second_answers", models.TextField()),
        )
        .order_by("sitting", "chain_number")
    )
    revision: Any  # with the two columns above
    for revision in rows.iterator(chunk_size=2000):
        presentation, sitting = revision.rating.presentation, revision.sitting
        assert sitting is not None  # noqa: S101  (the filter's)
        cells = [
            *(sitting.pk, revision.chain_number, revision.rating_id, presentation.pk, revision.number),
            *(revision.client_key, moment(revision.saved_at), revision.label, revision.confidence),
            *(revision.reasons_text, revision.active_ms, revision.idle_ms, revision.state_text),
            *(revision.remark_sha256, revision.reason_sha256, revision.second_text),
            *(revision.second_texts_sha256, revision.sha256),
            *(sitting.enrolment.pseudonym, sitting.session, sitting.attempt, presentation.position),
            *(presentation.study_image.code, guarded(revision.remark)),
            json.dumps(revision.second_texts, ensure_ascii=False) if revision.second_texts else "",
        ]
        yield _line("" if cell is None else str(cell) for cell in cells)


def log_files(study: Study) -> dict[str, str]:
    """The study's log and revisions for its bundle; who acted stands there by uuid and hash alone."""
    return {
        "log.csv": "".join(event_lines(study.events)),
        "revisions.csv": "".join(revision_lines(study)),
    }


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
