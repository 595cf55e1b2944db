"""A rater who withdraws: their part ends, and where the study says so their ratings go, with a trace in its log."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from audit import record
from audit.actors import rater
from audit.models import REDACTED
from rating.reading.rating import RatingRevision
from rating.reading.revision_chain import RATINGS
from rating.reading.usability import UsabilityAnswer
from rating.studies.enrolment import Enrolment
from rating.studies.study import NotPossibleError

OWN_WISH = "The rater's own wish."


@transaction.atomic
def leave(enrolment: Enrolment) -> None:
    """End this rater's part by their own wish; nobody else's withdrawal of them removes what they rated."""
    study = enrolment.study
    if study.is_unblinded:
        raise NotPossibleError(
            _("The study is unblinded and its results are known: ratings stay as they are.")
        )
    enrolment.withdraw(rater(enrolment.pseudonym), OWN_WISH)
    if study.withdrawal == study.Withdrawal.REMOVE:
        _remove_ratings(enrolment)


def _remove_ratings(enrolment: Enrolment) -> None:
    """Delete every save of this rater beside an event that keeps how many there were and the hash of the last.

    The hash tells nothing of the answers: each save has a random key of 122 bits in it, which goes too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rating_hold_sittings(%s)", [enrolment.pk]
        )  # a save under way ends before, or is refused
    last = (
        RatingRevision.objects.filter(sitting__enrolment=enrolment)
        .order_by("sitting", "-chain_number")
        .distinct("sitting")
        .values_list("sitting", "chain_number", "sha256")
    )
    record(
        enrolment.study,
        rater(enrolment.pseudonym),
        REDACTED,
        reason=OWN_WISH,
        field=RATINGS,
        enrolment=enrolment.pk,
        rater=enrolment.pseudonym,
        sittings={str(sitting): [number, sha256] for sitting, number, sha256 in last},
    )
    UsabilityAnswer.objects.filter(sitting__enrolment=enrolment).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT rating_remove_ratings(%s)", [enrolment.pk])
    enrolment.refresh_from_db()
