"""Taking a remark away that should not stand: the label stays, the chains stay whole, the log says who and why."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit import record
from audit.models import REDACTED
from rating.reading.rating import Rating
from rating.studies.study import must_say_why


@transaction.atomic
def redact_remark(rating: Rating, *, by: Any, reason: str) -> int:
    """Empty the remark of this rating in all its revisions; how many had one."""
    must_say_why(reason)
    sitting = rating.presentation.sitting
    keys = list(rating.revisions.exclude(remark="").values_list("pk", flat=True))
    record(
        sitting.enrolment.study,
        by,
        REDACTED,
        reason=reason,
        field="remark",
        revisions=keys,
        rater=sitting.enrolment.pseudonym,
        position=rating.presentation.position,
    )
    rating.revisions.filter(pk__in=keys).update(remark="", remark_nonce="")
    Rating.objects.filter(pk=rating.pk).update(remark="")
    return len(keys)
