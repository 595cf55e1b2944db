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
from jobs.snapshot import PAGE, in_pages
from pool.canonical.guarding import guarded
from rating.reading.rating import RatingRevision
from rating.studies.sittings.sitting import Sitting
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
REVISION_FIELDS = (
    *("chain_number", "rating_id", "rating__presentation_id", "number", "client_key", "saved_at", "label"),
    *("confidence", "reasons_text", "active_ms", "idle_ms", "state_text", "remark_sha256", "reason_sha256"),
    *("second_text", "second_texts_sha256"),
    *("sha256", "rating__presentation__position", "rating__presentation__study_image__code", "remark"),
    "second_texts",
)
SAVED_AT = REVISION_FIELDS.index("saved_at")
REVISION_PLACE = ("sha256", "rater", "session", "attempt", "position", "image", "remark", "second_texts")


def event_lines(events: EventQuerySet, *, with_identity: bool = False) -> Iterator[str]:
    """One line per event in the order of the chains; who it was in words only where that may be told."""
    columns = [*EVENT, *EVENT_TEXTS, *(["identity"] if with_identity else [])]
    yield _line(columns)
    rows = events.annotate(detail_text=Cast("detail", models.TextField()))
    for event in _in_order(rows):
        cells = [*(getattr(event, name) for name in EVENT), *(getattr(event, name) for name in EVENT_TEXTS)]
        cells[columns.index("at")] = moment(event.at)
        cells[columns.index("detail")] = event.detail_text
        cells[columns.index("reason")] = guarded(event.reason)
        if with_identity:
            cells.append(guarded(event.identity))
        yield _line("" if cell is None else str(cell) for cell in cells)


def _in_order(events: EventQuerySet) -> Iterator[Any]:
    """As they stand in their chains, in pages; last those that get their number at the commit."""
    for chain in events.order_by("chain").values_list("chain", flat=True).distinct():
        of_chain = events.filter(chain=chain)
        yield from in_pages(of_chain.exclude(number=None), "number")
        yield from in_pages(of_chain.filter(number=None), "pk")


def revision_lines(study: Study) -> Iterator[str]:
    """One line per save, also of sittings that count no more, in the order of the sittings' chains."""
    yield _line([*REVISION, *REVISION_REST, *REVISION_PLACE])
    rows = RatingRevision.objects.annotate(
        reasons_text=Cast("reasons", models.TextField()),
        state_text=Cast("view_state", models.TextField()),
        second_text=Cast("second_answers", models.TextField()),
    )
    for sitting in Sitting.objects.filter(enrolment__study=study).select_related("enrolment"):
        place = (sitting.enrolment.pseudonym, sitting.session, sitting.attempt)
        after = 0
        of_sitting = rows.filter(sitting=sitting).order_by("chain_number").values_list(*REVISION_FIELDS)
        while page := list(of_sitting.filter(chain_number__gt=after)[:PAGE]):
            yield from (_line(_revision_cells(sitting.pk, cells, place)) for cells in page)
            after = page[-1][0]


def _revision_cells(sitting: int, cells: tuple[Any, ...], place: tuple[Any, ...]) -> Iterator[str]:
    *of_revision, position, code, remark, second_texts = cells
    of_revision[SAVED_AT] = moment(of_revision[SAVED_AT])
    texts = json.dumps(second_texts, ensure_ascii=False) if second_texts else ""
    for cell in (sitting, *of_revision, *place, position, code, guarded(remark), texts):
        yield "" if cell is None else str(cell)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
