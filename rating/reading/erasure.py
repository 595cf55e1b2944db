"""What an erased person leaves in the studies they read: pseudonym, answers and numbers; no word on who they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db import models, transaction

from rating.reading.rating import Rating, RatingRevision
from rating.reading.redaction import redact_remark
from rating.studies.enrolment import Enrolment
from rating.studies.outreach.recruitment import Recruit


@transaction.atomic
def erase_rater(person: Any, words: Sequence[str], *, by: Any, reason: str) -> int:
    """Empty the free text of the profile, and every remark with one of these words; how many remarks those were.

    Years of experience and knowledge of AI stay: results are counted by them, and they name nobody.
    """
    Enrolment.objects.filter(user=person).exclude(subspecialty="").update(subspecialty="")
    Recruit.objects.filter(enrolment__user=person).delete()
    naming = list(_ratings_naming(words))
    for rating in naming:
        redact_remark(rating, by=by, reason=reason)
    return len(naming)


def _ratings_naming(words: Sequence[str]) -> models.QuerySet[Rating]:
    """Ratings with one of these words in a text that stands, or in one that was replaced."""
    has_word = reduce(or_, (_in_a_text(word) for word in words))
    has_reason = reduce(or_, (models.Q(reason__icontains=word) for word in words))
    revised = RatingRevision.objects.filter(has_word | has_reason).values("rating")
    ratings = Rating.objects.filter(has_word | models.Q(pk__in=revised))
    return ratings.select_related("presentation__sitting__enrolment__study")


def _in_a_text(word: str) -> models.Q:
    """As JSON writes it too, where a quotation mark in a name has a stroke before it."""
    return models.Q(remark__icontains=word) | models.Q(
        second_texts__icontains=json.dumps(word, ensure_ascii=False)[1:-1]
    )
