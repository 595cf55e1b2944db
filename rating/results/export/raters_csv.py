"""Who read, by pseudonym: the profile, a row a rater; what groups of raters are made from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pool.canonical.guarding import guarded
from rating.studies.enrolment import Enrolment
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

PROFILE = {
    "rater": "pseudonym, as in ratings.csv",
    "counts": "1 where a session of this rater is in ratings.csv or machines.csv, else 0",
    "machine": "what a machine rater is; empty of a person",
    "years": "years of reading images; empty if not told",
    "subspecialty": "in the rater's own words; a leading apostrophe guards text a spreadsheet would run",
    "ai_knowledge": "none, heard, used or works; empty if not told",
}


def rater_lines(study: Study) -> Iterator[str]:
    """The header and one line per rater who has not withdrawn, by number."""
    raters = list(study.enrolments.filter(withdrawn_at=None).order_by("number"))
    counted = set(Sitting.objects.valid().filter(enrolment__study=study).values_list("enrolment", flat=True))
    yield _line([*PROFILE])
    for rater in raters:
        yield _line(_profile(rater, counts=rater.pk in counted))


def _profile(rater: Enrolment, *, counts: bool) -> list[str]:
    years = "" if rater.years is None else str(rater.years)
    return [
        *(rater.pseudonym, str(int(counts)), guarded(rater.machine), years),
        *(guarded(rater.subspecialty), rater.ai_knowledge),
    ]


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
