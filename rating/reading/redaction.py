"""Taking a remark away that should not stand: the label stays, the chains stay whole, the log says who and why."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit import record
from audit.models import REDACTED
from rating.reading.rating import Rating
from rating.studies.study import must_say_why

# Of a revision, with what it is when empty: what was seen, why an answer was changed, free text to second questions.
TEXTS: dict[str, object] = {"remark": "", "reason": "", "second_texts": {}}


@transaction.atomic
def redact_remark(rating: Rating, *, by: Any, reason: str) -> int:
    """Empty what the rater wrote of this rating in all its revisions; how many had something."""
    must_say_why(reason)
    sitting = rating.presentation.sitting
    emptied: set[int] = set()
    for field, blank in TEXTS.items():
        keys = list(rating.revisions.exclude(**{field: blank}).values_list("pk", flat=True))
        if not keys:
            continue
        record(
            sitting.enrolment.study,
            by,
            REDACTED,
            reason=reason,
            field=field,
            revisions=keys,
            rater=sitting.enrolment.pseudonym,
            position=rating.presentation.position,
        )
        rating.revisions.filter(pk__in=keys).update(**{field: blank, f"{field}_nonce": ""})
        emptied.update(keys)
    Rating.objects.filter(pk=rating.pk).update(remark="", second_texts={})
    return len(emptied)
