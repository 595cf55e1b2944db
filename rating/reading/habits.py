"""How raters have read so far, counted by the database: a row a rater, of the latest answers of each sitting."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from rating.reading.attention_checks import LONG_IDLE_MS, Habits

# Of each sitting, so that the page costs the same of a long study.
LATEST = 500
# A run is what lies between two changes of the label: the places among all minus those among the same label are equal in it.
QUERY = """
WITH read AS (
    SELECT sitting.enrolment_id, sitting.session, latest.position,
        CASE WHEN sitting.session >= %(informed)s THEN latest.label ELSE '' END AS label,
        latest.active_ms, latest.idle_ms
    FROM rating_sitting sitting
    CROSS JOIN LATERAL (
        SELECT presentation.position, rating.label, rating.active_ms, rating.idle_ms
        FROM rating_presentation presentation
        JOIN rating_rating rating ON rating.presentation_id = presentation.id
        WHERE presentation.sitting_id = sitting.id AND presentation.position <= sitting.furthest_position
        ORDER BY presentation.position DESC
        LIMIT %(latest)s
    ) latest
    WHERE sitting.enrolment_id = ANY(%(enrolments)s) AND sitting.reset_at IS NULL
), labelled AS (
    SELECT enrolment_id, label,
        row_number() OVER (PARTITION BY enrolment_id ORDER BY session, position)
            - row_number() OVER (PARTITION BY enrolment_id, label ORDER BY session, position) AS run
    FROM read WHERE label <> ''
), runs AS (
    SELECT enrolment_id, label, count(*) AS length FROM labelled GROUP BY enrolment_id, label, run
), labels AS (
    SELECT enrolment_id, label, sum(length) AS n, max(length) AS longest FROM runs GROUP BY enrolment_id, label
), habits AS (
    SELECT enrolment_id, sum(n) AS labelled, max(n) AS of_one_label, max(longest) AS longest_run
    FROM labels GROUP BY enrolment_id
)
SELECT read.enrolment_id, count(*), count(active_ms),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY active_ms),
    count(*) FILTER (WHERE idle_ms >= %(idle)s),
    coalesce(min(labelled), 0), coalesce(min(of_one_label), 0), coalesce(min(longest_run), 0)
FROM read LEFT JOIN habits USING (enrolment_id)
GROUP BY read.enrolment_id
"""


def habits_of(enrolments: Sequence[int], *, informed_from: int) -> dict[int, Habits]:
    """By enrolment, of the latest answers of its standing sittings.

    Labels count from the session on in which raters are told the purpose.
    """
    values: dict[str, int | list[int]] = {
        "enrolments": list(enrolments),
        "informed": informed_from,
        "idle": LONG_IDLE_MS,
        "latest": LATEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERY, values)
        return {
            enrolment: Habits(ratings, timed, median_ms, idle, int(labelled), int(of_one_label), longest_run)
            for enrolment, ratings, timed, median_ms, idle, labelled, of_one_label, longest_run in cursor
        }
