"""Why a rater may not go on with what an open page still shows, in words for that rater."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting


class Departure(NamedTuple):
    """Which of the three it is, as the page knows them, and the sentence."""

    kind: str
    sentence: str


def departure_of(sitting: Sitting) -> Departure | None:
    """None while its rater may go on with it."""
    if sitting.enrolment.withdrawn_at is not None:
        return Departure("withdrawn", _("You no longer take part in this study."))
    if sitting.enrolment.study.is_over:
        return Departure("closed", _("This study is closed and takes no more answers."))
    if sitting.reset_at is not None:
        return Departure(
            "reset", _("The organiser has started your session over, with a new order of images.")
        )
    return None


def departure_from(
    user: Any, slug: str, *, token: str = "", session: str = "", attempt: str = ""
) -> Departure | None:
    """Of the sitting that this rater's page has open, by a presentation of it or by its number; None where none is."""
    sittings = Sitting.objects.filter(enrolment__user=user, enrolment__study__slug=slug)
    if token:
        sittings = sittings.filter(pk__in=Presentation.objects.filter(token=token).values("sitting"))
    elif session.isdecimal() and attempt.isdecimal() and len(session + attempt) < 9:
        sittings = sittings.filter(session=session, attempt=attempt)
    else:
        sittings = sittings.order_by("-pk")
    sitting = sittings.select_related("enrolment__study").first()
    return departure_of(sitting) if sitting else None
