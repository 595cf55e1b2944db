"""The heads of the sittings' chains in the study's log: what is cut off a sitting later than that is seen.

A save writes in its sitting's chain alone, so that no rater waits for another. The heads follow at a pause, at the end,
when the study closes, and by the clock.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from audit import record

if TYPE_CHECKING:
    from rating.studies.sittings.sitting import Sitting
    from rating.studies.study import Study

HEADS = "entered heads"  # as the log names it


@transaction.atomic
def enter_heads(sittings: QuerySet[Sitting]) -> int:
    """Enter the heads of those that have moved into their studies' logs; how many that were."""
    revisions = apps.get_model("rating", "RatingRevision").objects.filter(sitting=OuterRef("pk"))
    # The last by an index: a count or a maximum would read all that the rater has saved.
    last_number = revisions.order_by("-chain_number").values("chain_number")[:1]
    moved = sittings.annotate(last=Subquery(last_number)).filter(last__gt=F("entered"))
    heads: dict[Study, dict[str, list[Any]]] = defaultdict(dict)
    for sitting in moved.select_related("enrolment__study").order_by("pk"):
        revision = sitting.revisions.get(chain_number=sitting.last)
        heads[sitting.enrolment.study][str(sitting.pk)] = [revision.chain_number, revision.sha256]
    for study, entered in heads.items():
        # The log before its sittings, as closing a study locks them; else the two could wait for each other.
        record(study, None, HEADS, heads=entered)
        for pk, (last, _sha256) in entered.items():
            sittings.model.objects.filter(pk=pk, entered__lt=last).update(entered=last)
    return sum(map(len, heads.values()))


def heads_of(study: Study) -> dict[int, dict[int, str]]:
    """By sitting: every head that the study's log has of it, by number."""
    heads: dict[int, dict[int, str]] = defaultdict(dict)
    for detail in study.events.filter(action=HEADS).values_list("detail", flat=True):
        for sitting, (number, sha256) in detail.get("heads", {}).items():
            heads[int(sitting)][number] = sha256
    return heads
