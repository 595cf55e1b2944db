"""All that a rater's browser is told about a sitting. Nothing here may depend on whether an image is real."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from django.db.models import IntegerField
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.prepared_query import Parameter, PreparedValues
from pool.models import Origin
from rating.reading.draft import Draft, DraftContent
from rating.reading.marks import Mark, marks_of
from rating.reading.rating import Rating
from rating.studies.images import LETTERS
from rating.studies.second_questions import SecondAnswer
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

# A screen left alone this long is covered, so that a passer-by does not rate on.
LOCK_AFTER_SECONDS = 600
# So many presentations are named at a time; a browser that may hold more asks again.
BATCH = 50
# Stands in the URLs below where the browser puts a presentation's token.
TOKEN = "TOKEN"  # noqa: S105  (a place for one, not one)

AHEAD = PreparedValues(
    lambda: (
        Presentation.objects.ahead()
        .filter(position__gt=Parameter("after", IntegerField()))
        .values_list("token", "position", "study_image__image__modality", "kind")[:BATCH]
    )
)


class PublicFacts(TypedDict):
    """All that a rater is told about an image: a new key needs a reason and a line in the test."""

    token: str
    position: int
    modality: str
    practice: bool


class OwnAnswer(TypedDict):
    """A rater's own words, to look at again."""

    key: str
    label: str
    confidence: int | None
    reasons: list[str]
    remark: str
    second: dict[str, SecondAnswer]
    marks: NotRequired[list[Mark]]


class Showing(PublicFacts):
    answer: OwnAnswer | None
    draft: DraftContent | None


class Addresses(TypedDict):
    """Where the browser sends and asks; TOKEN stands in for a presentation's token, 0 in `slice` for a slice's number."""

    images: list[str]
    rate: str
    ahead: str
    draft: str
    at: str
    read: str
    slice: str


class Room(TypedDict):
    """All that the browser needs of a sitting, in the words of its scripts."""

    account: str
    study: str
    side: int
    fixedZoom: bool
    fixedWindow: bool
    goingBack: str
    breakAfter: int
    practice: int
    total: int
    slices: int
    marks: bool
    batch: int
    lockAfter: int
    showing: Showing
    ahead: list[PublicFacts]
    urls: Addresses


def public_facts(presentation: Presentation) -> PublicFacts:
    """What a rater is told about an image."""
    modality = presentation.study_image.image.modality
    return _public_facts(presentation.token, presentation.position, modality, presentation.kind)


def _public_facts(token: str, position: int, modality: str, kind: str) -> PublicFacts:
    practice = kind == Presentation.Kind.PRACTICE
    return {"token": token, "position": position, "modality": modality, "practice": practice}


def feedback(presentation: Presentation) -> str:
    """What a practice image was, in words, once it is rated. Of any other image nothing is ever told."""
    if not presentation.is_practice:
        return ""
    if presentation.sitting.enrolment.study.is_arena:
        return _("Practice: no answer is right or wrong here.")
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
    """Where a presentation's images are, in the order shown."""
    if not study.shows_sets:
        return [reverse("rating:presented", args=[token])]
    places = range(1, study.set_size + 1)
    return [reverse("rating:presented_of_set", args=[token, place]) for place in places]


def slices_of(study: Study) -> int:
    """How many slices each image of the study has for its raters; a draft has none drawn yet."""
    return 1 if study.is_draft or study.shows_sets else study.slices


def own_answer(rating: Rating) -> OwnAnswer:
    answer: OwnAnswer = {
        "key": str(rating.client_key),
        "label": rating.label,
        "confidence": rating.confidence,
        "reasons": rating.reasons,
        "remark": rating.remark,
        "second": {**rating.second_answers, **rating.second_texts},
    }
    if marks := marks_of(rating.view_state):
        answer["marks"] = marks
    return answer


def own_draft(presentation: Presentation) -> DraftContent | None:
    """What the rater has begun to say of it, on whichever computer."""
    draft: Draft | None = getattr(presentation, "draft", None)
    return draft.content() if draft else None


def prefetchable(sitting: Sitting, *, after: int) -> list[PublicFacts]:
    """The next presentations behind this position that the browser may hold already, at most a batch of them."""
    if sitting.next_position is None:
        return []
    held = sitting.enrolment.study.hold_ahead
    end = sitting.next_position + 2 * held
    at = {"sitting": sitting.pk, "next_position": sitting.next_position, "held": held, "end": end}
    return [_public_facts(*row) for row in AHEAD.rows(after=after, **at)]


def room(sitting: Sitting, showing: Presentation, rating: Rating | None = None) -> Room:
    """What the page needs to show the sitting from here on."""
    study = sitting.enrolment.study
    return room_of(
        showing,
        rating,
        account=str(sitting.enrolment.user_id),
        ahead=prefetchable(sitting, after=0 if rating else showing.position),
        urls={
            "images": image_urls(study, TOKEN),
            "rate": reverse("rating:rate", args=[study.slug, TOKEN]),
            "ahead": f"{reverse('rating:ahead', args=[study.slug])}?session={sitting.session}&attempt={sitting.attempt}",
            "draft": reverse("rating:draft", args=[study.slug, TOKEN]),
            "at": reverse("rating:at", args=[study.slug, 0]),
            "read": reverse("rating:read", args=[study.slug]),
            "slice": reverse("rating:presented_of_set", args=[TOKEN, 0]),
        },
    )


def room_of(
    showing: Presentation,
    rating: Rating | None = None,
    *,
    account: str,
    ahead: list[PublicFacts],
    urls: Addresses,
) -> Room:
    """The same for whichever account, images ahead and addresses."""
    sitting = showing.sitting
    study = sitting.enrolment.study
    return {
        "account": account,
        "study": study.slug,
        "side": study.canvas,
        "fixedZoom": study.fixed_zoom,
        "fixedWindow": study.fixed_window,
        "goingBack": study.going_back,
        "breakAfter": study.break_after,
        "practice": sitting.practice_count,
        "total": sitting.presentation_count,
        "slices": slices_of(study),
        "marks": study.lets_mark,
        "batch": BATCH,
        "lockAfter": LOCK_AFTER_SECONDS,
        "showing": {
            **public_facts(showing),
            "answer": own_answer(rating) if rating else None,
            "draft": None if rating else own_draft(showing),
        },
        "ahead": ahead,
        "urls": urls,
    }
