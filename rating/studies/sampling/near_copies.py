"""Fakes that repeat a real image: a study shows none, unless a person lets them in by name and reason.

Which they are stands in the pool (`NearCopy`), written there by whoever looked for them.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit import record
from pool.models import Image
from rating.studies.study import NotPossibleError, Study


@transaction.atomic
def let_near_copies_in(study: Study, user: Any, reason: str) -> None:
    """Let this study show what was found to be near-copies; the log keeps who and why."""
    if not reason.strip() or user is None:
        raise NotPossibleError(
            "Letting near-copies in needs a person and a reason; both are kept in the log."
        )
    if study.opened_at is not None:
        raise NotPossibleError(f"The study is {study.state} already.")
    if study.lets_near_copies_in:
        raise NotPossibleError("Near-copies are let into this study already.")
    if study.freezes.active().exists():
        raise NotPossibleError(
            "The study is being frozen; wait for it, or cancel it, before you let near-copies in."
        )
    record(study, user, Study.LET_NEAR_COPIES_IN, reason=reason)


def held_back_from(study: Study) -> int:
    """How many usable images of the study's datasets nothing but their likeness keeps out of it."""
    datasets = study.strata.values("dataset")
    return Image.objects.held_back().filter(dataset__in=datasets).count()
