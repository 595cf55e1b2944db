"""The ratings of a study as CSV (RFC 4180), one row per presentation, with the codebook that explains it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rating.analysis.study import truth_word
from rating.models import Presentation, Study

CODEBOOK = {
    "study": "name of the study",
    "rater": "pseudonym of the rater within the study",
    "session": "number of the sitting, 1 first",
    "position": "place of the image in this rater's order, 1 first",
    "kind": "main, repeat, practice or probe",
    "image": "code of the image within the study",
    "modality": "xray, ct, mri, microscopy or other",
    "dataset": "dataset the image came from; empty until the study is unblinded",
    "finding": "label of the image in its dataset; empty until the study is unblinded",
    "truth": "real or fake; empty until the study is unblinded",
    "label": "what the rater said: real, fake or unsure; empty if not rated",
    "confidence": "confidence 1 (guess) to 5 (certain); empty if not asked",
    "remark": "the rater's own words; a leading apostrophe guards text a spreadsheet would run",
    "reasons": "reasons ticked for fake, separated by a semicolon; empty if not asked",
    "revision": "how many times the rating was saved",
    "first_shown_at": "when the image was first shown, ISO 8601 UTC, server clock",
    "rated_at": "when the rating was first saved, ISO 8601 UTC, server clock",
    "active_ms": "milliseconds the rater was active on the image; empty if not measured",
    "idle_ms": "milliseconds the rater was idle on the image; empty if not measured",
}
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
SKIPPED_BY_SPREADSHEETS = " \t\r\n\0\v\f"


def guarded(text: str) -> str:
    """The text with an apostrophe before anything a spreadsheet would run as a formula."""
    text = text.replace("\0", "")
    starts_badly = text.lstrip(SKIPPED_BY_SPREADSHEETS).startswith(RUN_BY_SPREADSHEETS)
    return f"'{text}" if starts_badly or text[:1] in {"\t", "\r", "\n", "'"} else text


def csv_lines(study: Study) -> Iterator[str]:
    """The header and one line per presentation, ready to stream."""
    yield _line(CODEBOOK)
    presentations = (
        Presentation.objects.filter(sitting__enrolment__study=study)
        .select_related("sitting__enrolment", "study_image__image__dataset", "rating")
        .order_by("sitting__enrolment__number", "sitting__session", "position")
    )
    for presentation in presentations.iterator(chunk_size=2000):
        yield _line(_cells(study, presentation))


def codebook_lines() -> Iterator[str]:
    yield _line(["column", "meaning"])
    yield from (_line(row) for row in CODEBOOK.items())


def _cells(study: Study, presentation: Presentation) -> list[str]:
    sitting, image = presentation.sitting, presentation.study_image.image
    rating = getattr(presentation, "rating", None)
    told = study.is_unblinded
    return [
        guarded(study.name),
        sitting.enrolment.pseudonym,
        str(sitting.session),
        str(presentation.position),
        presentation.kind,
        presentation.study_image.code,
        image.modality,
        guarded(image.dataset.name) if told else "",
        guarded(image.label) if told else "",
        truth_word(image.origin) if told else "",
        rating.label if rating else "",
        _number(rating.confidence) if rating else "",
        guarded(rating.remark) if rating else "",
        guarded("; ".join(rating.reasons)) if rating else "",
        str(rating.revision) if rating else "",
        _time(presentation.first_shown_at),
        _time(rating.rated_at) if rating else "",
        _number(rating.active_ms) if rating else "",
        _number(rating.idle_ms) if rating else "",
    ]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else ""


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
