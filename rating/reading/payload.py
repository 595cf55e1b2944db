"""All that a rater's browser is told about a sitting. Nothing here may depend on whether an image is real."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from pool.models import Origin
from rating.reading.rating import Rating
from rating.studies.images import LETTERS
from rating.studies.presentation import Presentation
from rating.studies.sitting import Sitting
from rating.studies.study import Study

# A screen left alone this long is covered, so that a passer-by does not rate on.
LOCK_AFTER_SECONDS = 600
# Stands in the URLs below where the browser puts a presentation's token.
TOKEN = "TOKEN"  # noqa: S105  (a place for one, not one)


def public_facts(presentation: Presentation) -> dict[str, Any]:
    """What a rater is told about an image; a new field needs a reason and a line in the test."""
    return {
        "token": presentation.token,
        "position": presentation.position,
        "modality": presentation.study_image.image.modality,
        "practice": presentation.is_practice,
    }


def feedback(presentation: Presentation) -> str:
    """What a practice image was, in words, once it is rated. Of any other image nothing is ever told."""
    if not presentation.is_practice:
        return ""
    sitting = presentation.sitting
    if presentation.places:
        sought = Origin.REAL if sitting.enrolment.study.sought == Study.Sought.REAL else Origin.SYNTHETIC
        members = presentation.study_image.members
        (letter,) = (a for a, member in zip(LETTERS, members, strict=False) if member.image.origin == sought)
        place = sitting.question.choices[presentation.places.index(letter)].word
        return str(_("Practice: it was this one: %s.") % place)
    if presentation.study_image.image.origin == Origin.REAL:
        return _("Practice: this image was real.")
    return _("Practice: this image was fake.")


def image_urls(study: Study, token: str) -> list[str]:
    """Where a presentation's pictures are, in the order shown."""
    if not study.shows_sets:
        return [reverse("rating:picture", args=[token])]
    places = range(1, study.set_size + 1)
    return [reverse("rating:picture_of_set", args=[token, place]) for place in places]


def own_answer(rating: Rating) -> dict[str, Any]:
    """A rater's own words, to look at again."""
    return {
        "key": str(rating.client_key),
        "label": rating.label,
        "confidence": rating.confidence,
        "reasons": rating.reasons,
        "remark": rating.remark,
    }


def prefetchable(sitting: Sitting, *, after: int) -> list[dict[str, Any]]:
    """The presentations behind this position that the browser may hold already."""
    presentations = (
        sitting.presentations.reachable()
        .to_rate()
        .filter(position__gt=after)
        .select_related("study_image__image")
    )
    return [public_facts(presentation) for presentation in presentations]


def room(sitting: Sitting, showing: Presentation, rating: Rating | None = None) -> dict[str, Any]:
    """What the page needs to show the sitting from here on."""
    enrolment = sitting.enrolment
    study = enrolment.study
    return {
        "account": str(enrolment.user_id),
        "study": study.slug,
        "side": study.canvas,
        "fixedZoom": study.fixed_zoom,
        "fixedWindow": study.fixed_window,
        "goingBack": study.going_back,
        "breakAfter": study.break_after,
        "practice": sitting.presentations.practice().count(),
        "total": sitting.presentations.count(),
        "lockAfter": LOCK_AFTER_SECONDS,
        "showing": {**public_facts(showing), "answer": own_answer(rating) if rating else None},
        "ahead": prefetchable(sitting, after=0 if rating else showing.position),
        "urls": {
            "pictures": image_urls(study, TOKEN),
            "rate": reverse("rating:rate", args=[study.slug, TOKEN]),
            "ahead": f"{reverse('rating:ahead', args=[study.slug])}?session={sitting.session}",
            "at": reverse("rating:at", args=[study.slug, 0]),
            "read": reverse("rating:read", args=[study.slug]),
        },
    }
