"""A study's presentations as rows of the exported table: one query, read in pages of whole sittings.

Pages go by key (a sitting's place, then the position), so that a study of any size takes the memory of one page and
no cursor stays open in the server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min

from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.studies.enrolment import pseudonym
from rating.studies.sampling.sets import truth_word
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

PAGE = 5_000
INSTANT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
OF_THE_SHOWING = {
    "rater": "sitting.rater",
    "session": "sitting.session",
    "position": "presentation.position",
    "kind": "presentation.kind",
}
KEY = len(OF_THE_SHOWING)  # the place in a row of the image's key, which stands for the next ones
IMAGE_KEY = "image_key"
OF_THE_IMAGE = ("image", "modality", "dataset", "finding", "truth")
IS_PLACE = "rating.label IN ('1', '2', '3', '4')"
OF_THE_RATING = {
    # Of a set, where raters give a place: the letter of the image that stood there.
    "label": f"CASE WHEN {IS_PLACE} THEN substr(presentation.places, rating.label::int, 1) ELSE rating.label END",
    "confidence": "rating.confidence",
    "remark": "rating.remark",
    "reasons": "rating.reasons::text",
    "revision": "rating.revision",
    "first_shown_at": INSTANT.format("presentation.first_shown_at"),
    "rated_at": INSTANT.format("rating.rated_at"),
    "active_ms": "rating.active_ms",
    "idle_ms": "rating.idle_ms",
    "second": "(rating.second_answers || rating.second_texts)::text",
}
OF_SETS = {
    "places": "presentation.places",
    "place": f"CASE WHEN {IS_PLACE} THEN rating.label::int END",
}
OF_VIEW = {"view_state": "rating.view_state::text"}
TABLES = """
    FROM unnest(%s::bigint[], %s::text[], %s::int[]) WITH ORDINALITY AS sitting (id, rater, session, place)
    JOIN rating_presentation presentation ON presentation.sitting_id = sitting.id
    LEFT JOIN rating_rating rating ON rating.presentation_id = presentation.id
        AND rating.presentation_id BETWEEN %s AND %s
    WHERE presentation.position > %s
    ORDER BY sitting.place, presentation.position LIMIT %s
"""


ImageFacts = tuple[str, str, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class SittingsPage:
    """Sittings whose rows fit into a page together, or one that is longer and read on from a position.

    `first` and `last` are the least and the greatest key among their presentations, which a freeze makes in a row: their
    ratings are read as one range, not a lookup each.
    """

    keys: list[int]
    raters: list[str]
    sessions: list[int]
    rows: int
    first: int
    last: int
    after: int = 0

    def parameters(self, size: int) -> list[Any]:
        return [self.keys, self.raters, self.sessions, self.first, self.last, self.after, size]

    def and_then(self, other: SittingsPage) -> SittingsPage:
        """This page and the other one's sittings after it."""
        return SittingsPage(
            [*self.keys, *other.keys],
            [*self.raters, *other.raters],
            [*self.sessions, *other.sessions],
            self.rows + other.rows,
            min(self.first, other.first),
            max(self.last, other.last),
        )


def column_names(study: Study) -> tuple[str, ...]:
    """What a row's cells are."""
    return (*OF_THE_SHOWING, *OF_THE_IMAGE, *after_image(study))


def after_image(study: Study) -> dict[str, str]:
    """The columns of the rating, and those of the study's design: their names and what PostgreSQL reads."""
    return OF_THE_RATING | (OF_SETS if study.shows_sets else OF_VIEW if reads_view_state(study) else {})


def reads_view_state(study: Study) -> bool:
    """Whether columns come out of the view state: what was seen of a stack, and marks."""
    return study.slices > 1 or study.lets_mark


def row_query(study: Study, **instead: str) -> str:
    """The rows of a page, by `SittingsPage.parameters`; at KEY the image's key in place of its facts.

    instead: what PostgreSQL reads for a column in place of what is read for CSV and JSON.
    """
    cells = {**OF_THE_SHOWING, IMAGE_KEY: "presentation.study_image_id", **after_image(study)} | instead
    return f"SELECT {', '.join(cells.values())} {TABLES}"


def image_facts(study: Study) -> dict[int, ImageFacts]:
    """The facts of each image by the key of its place in the study; of a blinded study none that tell the truth."""
    rows = study.images.values_list(
        "pk", "code", "image__modality", "image__dataset__name", "image__label", "image__origin"
    )
    if not study.is_unblinded:
        return {pk: (code, modality, None, None, None) for pk, code, modality, *_ in rows}
    return {
        pk: (code, modality, sys.intern(dataset), sys.intern(label), truth_word(origin))
        for pk, code, modality, dataset, label, origin in rows
    }


def row_pages(study: Study, *, machines: bool = False) -> Iterator[list[tuple[Any, ...]]]:
    """The rows by rater, session and position, a page at a time.

    Only of sittings that count: a session started over, a withdrawn or an unblinded rater is not among them.
    Machines, of pseudonyms with an M, are among themselves.
    """
    query, facts = row_query(study), image_facts(study)
    with connection.cursor() as cursor:
        for page in sitting_pages(study, machines=machines, size=PAGE):
            cursor.execute(query, page.parameters(PAGE))
            yield [(*row[:KEY], *facts[row[KEY]], *row[KEY + 1 :]) for row in cursor.fetchall()]


def row_count(study: Study, *, machines: bool = False) -> int:
    """How many rows there are."""
    return sum(page.rows for page in sitting_pages(study, machines=machines))


def sitting_pages(study: Study, *, machines: bool = False, size: int = PAGE) -> Iterator[SittingsPage]:
    """Which sittings to read together; refuses a study of which a rating was changed past its revisions."""
    refuse_where_ratings_differ(study)
    sittings = Sitting.objects.of_machines() if machines else Sitting.objects.counted()
    ordered = sittings.filter(enrolment__study=study).order_by("enrolment__number", "session", "attempt")
    presentations = Presentation.objects.filter(sitting__in=sittings.filter(enrolment__study=study))
    extents = presentations.order_by().values_list("sitting").annotate(Count("pk"), Min("pk"), Max("pk"))
    of_sitting = {key: extent for key, *extent in extents}
    page: SittingsPage | None = None
    for key, number, session in ordered.values_list("pk", "enrolment__number", "session"):
        if key not in of_sitting:
            continue
        sitting = SittingsPage([key], [pseudonym(number, is_machine=machines)], [session], *of_sitting[key])
        if page is not None and page.rows + sitting.rows > size:
            yield page
            page = None
        if sitting.rows > size:
            yield from _long_sitting(sitting, size)
        else:
            page = sitting if page is None else page.and_then(sitting)
    if page is not None:
        yield page


def _long_sitting(sitting: SittingsPage, size: int) -> Iterator[SittingsPage]:
    """Pages of one sitting; each begins after the last position of the one before."""
    after = 0
    (key,) = sitting.keys
    while True:
        positions = list(
            Presentation.objects.filter(sitting=key, position__gt=after)
            .order_by("position")
            .values_list("position", flat=True)[:size]
        )
        if not positions:
            return
        yield replace(sitting, rows=len(positions), after=after)
        after = positions[-1]
