"""The chain of each sitting's revisions, and whether what stands is what was last saved.

The database chains them (migration 0007 says the same content in SQL); here they are read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, models
from django.db.models.functions import Cast

from audit.chain import link, moment, text_sha256
from audit.models import REDACTED
from audit.verification import AT_ONCE, Discrepancy
from rating.reading.rating import ANSWER, RatingRevision
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

IN_WORDS = {"remark": "remark is", "reason": "reason is", "second_texts": "second texts are"}
RATINGS = "ratings"  # what a redaction names as its field where a withdrawn rater's saves were removed
# A rating that is not its last revision, or a revision above the one it names.
DIFFERING = f"""
    SELECT enrolment.number, sitting.session, presentation.position
    FROM rating_enrolment enrolment
    JOIN rating_sitting sitting ON sitting.enrolment_id = enrolment.id
    JOIN rating_presentation presentation ON presentation.sitting_id = sitting.id
    JOIN rating_rating rating ON rating.presentation_id = presentation.id
    LEFT JOIN rating_ratingrevision revision ON revision.rating_id = rating.id AND revision.number >= rating.revision
    WHERE enrolment.study_id = %s AND (%s::bigint[] IS NULL OR presentation.study_image_id = ANY(%s)) AND (
        revision.number IS DISTINCT FROM rating.revision
        OR ({", ".join(f"rating.{name}" for name in ANSWER)})
            IS DISTINCT FROM ({", ".join(f"revision.{name}" for name in ANSWER)})
    )
    ORDER BY 1, 2, 3
"""  # noqa: S608  (constants of this module only)


class RatingsDifferError(Exception):
    """A rating is not what its rater last saved, so nothing is counted from it."""


def refuse_where_ratings_differ(study: Study, images: Sequence[int] | None = None) -> None:
    """Raise RatingsDifferError where a rating of this study (of these images) was changed past its revisions."""
    keys = None if images is None else list(images)
    with connection.cursor() as cursor:
        # A LIMIT of the query itself has it planned for its first row, a lookup a rating, while there is hardly ever one.
        cursor.execute(
            f"WITH differing AS MATERIALIZED ({DIFFERING}) SELECT * FROM differing LIMIT 1",  # noqa: S608  (constants)
            [study.pk, keys, keys],
        )
        row = cursor.fetchone()
    if row is not None:
        raise RatingsDifferError(
            f"A rating of “{study}” is not what its rater last saved ({_place(row)}), so nothing is counted or "
            "exported: run `lungrater verify`, and restore a backup from before."
        )


def verify_ratings(study: Study) -> Iterator[Discrepancy]:
    """Every rating that is not its last revision."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERING, [study.pk, None, None])
        for row in cursor.fetchall():
            yield Discrepancy(_place(row), "the rating is not what was last saved.")


def verify_revisions(study: Study, heads: Mapping[int, Mapping[int, str]]) -> Iterator[Discrepancy]:
    """What differs in the chains of this study's sittings. `heads`: by sitting, the hashes that the study's log has."""
    redacted = _redacted(study)
    removed = removed_sittings(study)
    yield from _verify_removals(study, removed)
    sittings = Sitting.objects.filter(enrolment__study=study).select_related("enrolment")
    for sitting in sittings.order_by("enrolment__number", "session", "attempt"):
        if sitting.pk in removed:
            yield from _verify_removed(sitting, dict(heads.get(sitting.pk, {})), removed[sitting.pk])
        else:
            yield from _verify_sitting(sitting, dict(heads.get(sitting.pk, {})), redacted)
    strays = RatingRevision.objects.filter(rating__presentation__sitting__enrolment__study=study)
    for revision in strays.exclude(
        sitting=models.F("rating__presentation__sitting"), chain_number__isnull=False
    ):
        yield Discrepancy(
            f"revision {revision.pk}", "it was added past the chain, or moved to another sitting."
        )


def _verify_sitting(
    sitting: Sitting, heads: dict[int, str], redacted: dict[str, set[int]]
) -> Iterator[Discrepancy]:
    before, place = "", 0
    of_sitting = f"{sitting.enrolment} session {sitting.session}"
    if sitting.attempt > 1:
        of_sitting += f" attempt {sitting.attempt}"
    for revision in _chained(sitting):
        place += 1
        where = f"{of_sitting}, save {revision.chain_number}"
        if revision.chain_number != place:
            yield Discrepancy(of_sitting, f"saves {place} to {revision.chain_number - 1} are missing.")
            place = revision.chain_number
        if revision.sha256 != _sha256(revision, before):
            yield Discrepancy(where, "it is not as it was saved, or stands in another's place.")
        for field in ("remark", "reason", "second_texts"):
            text, digest = _stored_text(revision, field), getattr(revision, f"{field}_sha256")
            if text and text_sha256(getattr(revision, f"{field}_nonce"), text) != digest:
                yield Discrepancy(where, f"the {IN_WORDS[field]} not as saved.")
            if digest and not text and revision.pk not in redacted[field]:
                yield Discrepancy(where, f"the {IN_WORDS[field]} gone, and no redaction says so.")
        if heads.pop(place, revision.sha256) != revision.sha256:
            yield Discrepancy(where, "the study's log has another hash of it.")
        before = revision.sha256
    for number in sorted(heads):
        yield Discrepancy(of_sitting, f"it ends at save {place}, but the study's log knows of save {number}.")


def removed_sittings(study: Study) -> dict[int, tuple[int, str]]:
    """By sitting: number and hash of its last save, where the study's log says that a withdrawn rater's were removed."""
    events = study.events.filter(action=REDACTED, detail__field=RATINGS)
    return {
        int(sitting): (number, sha256)
        for detail in events.values_list("detail", flat=True)
        for sitting, (number, sha256) in detail["sittings"].items()
    }


def _verify_removals(study: Study, removed: Mapping[int, object]) -> Iterator[Discrepancy]:
    """Ratings are removed of raters who have withdrawn, and beside an event: neither is there without the other."""
    events = study.events.filter(action=REDACTED, detail__field=RATINGS)
    logged = set(events.values_list("detail__rater", flat=True))
    for enrolment in study.enrolments.all():
        is_removed = enrolment.ratings_removed_at is not None and enrolment.withdrawn_at is not None
        if is_removed != (enrolment.pseudonym in logged):
            yield Discrepancy(
                enrolment.pseudonym, "log and tables differ on whether the ratings were removed."
            )


def _verify_removed(
    sitting: Sitting, heads: Mapping[int, str], last: tuple[int, str]
) -> Iterator[Discrepancy]:
    """Nothing is left of it, and what the log knew of it before fits what was removed."""
    number, sha256 = last
    if sitting.revisions.exists():
        yield Discrepancy(str(sitting), "its ratings were removed, but some are there.")
    if any(place > number for place in heads) or heads.get(number, sha256) != sha256:
        yield Discrepancy(str(sitting), "what was removed is not what the study's log knew of.")


def _chained(sitting: Sitting) -> Iterator[Any]:
    rows = sitting.revisions.filter(chain_number__isnull=False).annotate(
        presentation_id=models.F("rating__presentation"),
        reasons_text=Cast("reasons", models.TextField()),
        view_state_text=Cast("view_state", models.TextField()),
        second_answers_text=Cast("second_answers", models.TextField()),
        second_texts_text=Cast("second_texts", models.TextField()),
    )
    return rows.order_by("chain_number").iterator(chunk_size=AT_ONCE)


def _stored_text(revision: Any, field: str) -> str:
    """A text as its hash was made of it; second texts are an object, and none of them is no text."""
    if field != "second_texts":
        return str(getattr(revision, field))
    return revision.second_texts_text if revision.second_texts else ""


def _sha256(revision: Any, before: str) -> str:
    """Of a save without second answers as it was before there were any."""
    second = [revision.second_answers_text, revision.second_texts_sha256]
    has_second = bool(revision.second_answers or revision.second_texts_sha256)
    return link(
        [
            "revision 2" if has_second else "revision 1",
            before,
            revision.sitting_id,
            revision.chain_number,
            revision.rating_id,
            revision.presentation_id,
            revision.number,
            str(revision.client_key),
            moment(revision.saved_at),
            revision.label,
            revision.confidence,
            revision.reasons_text,
            revision.active_ms,
            revision.idle_ms,
            revision.view_state_text,
            revision.remark_sha256,
            revision.reason_sha256,
            *(second if has_second else []),
        ]
    )


def _redacted(study: Study) -> dict[str, set[int]]:
    """By field: the revisions of which the study's log says that their text was taken away."""
    rows: dict[str, set[int]] = defaultdict(set)
    for detail in study.events.filter(action=REDACTED).values_list("detail", flat=True):
        rows[detail.get("field", "")].update(detail.get("revisions", []))
    return rows


def _place(row: tuple[int, int, int]) -> str:
    return "rater {}, session {}, position {}".format(*row)
