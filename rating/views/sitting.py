"""The rater's side: my studies, one image at a time, done.

Every page works as a plain form; a browser that runs the reading room's script asks the same URLs for JSON.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, CharField
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.prepared_query import Parameter, PreparedQuery
from pool.storage.durability import why_not_durable
from rating.models import Draft, Enrolment, Presentation, Rating, Sitting
from rating.reading.answer_form import AnswerForm
from rating.reading.payload import (
    feedback,
    own_answer,
    own_draft,
    prefetchable,
    public_facts,
    room,
)
from rating.reading.rating import AlreadyRatedError, StudyOverError
from rating.reading.usability import UsabilityAnswer
from rating.studies.departures import departure_from, departure_of
from rating.studies.outreach.recruitment import completion_of
from rating.studies.sittings.presentation import PresentationQuerySet
from rating.studies.sittings.sitting import at_hand_of
from rating.studies.trail.sitting_heads import enter_heads
from rating.views.raters import for_raters, own_language, wants_json
from rating.views.reading_page import reading_page, sentences_of


class Refusal(NamedTuple):
    """Why a save is not taken: its status, the sentence in the language at hand, and which end of the reading it is."""

    status: int
    sentence: Callable[[], str]
    departure: str = ""


@for_raters
@require_GET
def reading_list(request: HttpRequest) -> HttpResponse:
    enter_heads(Sitting.objects.open_to(request.user))
    enrolments = Enrolment.objects.of(request.user).select_related("study__schedule").with_progress()
    withdrawn = Enrolment.objects.withdrawn_by(request.user)
    context = {"enrolments": enrolments, "withdrawn": withdrawn}
    return render(request, "rating/reading_list.html", context)


@for_raters
@require_GET
def read(request: HttpRequest, slug: str) -> HttpResponse:
    """The first image not rated yet, or what there is at the end."""
    sitting = _at_hand(request, slug)
    if sitting is None:
        # A study that is over, or a rater withdrawn: the old address still says what there is.
        get_object_or_404(Enrolment.objects.ever_of(request.user), study__slug=slug)
        return redirect("rating:debriefing", slug)
    if not sitting.may_begin():
        return render(request, "rating/washout.html", {"sitting": sitting})
    presentation = sitting.next_presentation()
    if page := _page_before(sitting):
        return redirect(page, slug)
    if presentation is None:
        enter_heads(Sitting.objects.filter(pk=sitting.pk))
        if UsabilityAnswer.is_due(sitting):
            return redirect("rating:usability", slug)
        context = {"study": sitting.enrolment.study, "completion": completion_of(sitting.enrolment)}
        return render(request, "rating/done.html", context)
    return _show(request, presentation, _blank(presentation))


def _page_before(sitting: Sitting) -> str:
    """The page that stands between this rater and the images; empty where none does."""
    if not sitting.enrolment.has_consented(sitting.session):
        return "rating:begin"
    return "rating:display" if sitting.awaits_display_check else ""


@for_raters
@require_GET
def at(request: HttpRequest, slug: str, position: int) -> HttpResponse:
    """An image this rater has reached, with their own answer if there is one."""
    sitting = _sitting(request, slug)
    at_position = _presentations(request.user, slug).filter(sitting=sitting, position=position)
    presentation = _readable(at_position.first())
    rating = getattr(presentation, "rating", None)
    if rating and not presentation.may_be_corrected():
        raise PermissionDenied
    if wants_json(request):
        return JsonResponse({**public_facts(presentation), "answer": own_answer(rating) if rating else None})
    return _show(request, presentation, _blank(presentation, rating), rating=rating)


@transaction.non_atomic_requests  # it writes nothing
@for_raters
@require_GET
def upcoming(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is signed in, and what may be held of the session at hand; of another session nothing."""
    session, attempt = (request.GET.get(name, "") for name in ("session", "attempt"))
    sitting = _at_hand(request, slug)
    if sitting is None or attempt not in {"", str(sitting.attempt)}:
        if departure := _departed(request, slug, session=session, attempt=attempt):
            return departure
        if sitting is None:
            raise Http404
    at_hand = session == str(sitting.session) and sitting.may_be_read()
    after = _whole_number(request.GET.get("after", ""))
    return JsonResponse(
        {"account": str(request.user.pk), "ahead": prefetchable(sitting, after=after) if at_hand else []}
    )


@transaction.non_atomic_requests  # what it writes is one transaction of its own
@for_raters
@require_POST
def rate(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    if request.POST.get("account") not in {None, str(request.user.pk)}:
        return JsonResponse({"error": "other account"}, status=403)
    try:
        presentation, showing = _rated_and_shown(request, slug, token)
    except Http404:
        if departure := _departed(request, slug, token=token):
            return departure
        raise
    form = AnswerForm(request.POST, sitting=presentation.sitting)
    if refusal := _save(presentation, showing, form):
        with own_language(request):
            return _refuse(request, presentation, form, refusal)
    if wants_json(request):
        after = prefetchable(presentation.sitting, after=form.cleaned_data["after"] or 0)
        saved = {"saved": str(form.cleaned_data["client_key"]), "ahead": after}
        with own_language(request) if presentation.is_practice else nullcontext():
            lesson = {"feedback": feedback(presentation)} if presentation.is_practice else {}
        return JsonResponse({**saved, **lesson})
    if presentation.is_practice:
        messages.info(request, feedback(presentation))
    return redirect("rating:read", slug)


@for_raters
@require_POST
def draft(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Keep what has been begun and not saved; of an image that is rated, nothing."""
    if request.POST.get("account") not in {None, str(request.user.pk)}:
        return JsonResponse({"error": "other account"}, status=403)
    presentation = _readable(_presentations(request.user, slug).filter(token=token, rating=None).first())
    form = AnswerForm(request.POST, sitting=presentation.sitting)
    form.is_valid()  # whole or not
    Draft.write(presentation, form.draft())
    return JsonResponse({"kept": token})


def _departed(request: HttpRequest, slug: str, **sitting: str) -> HttpResponse | None:
    """What an open page is told once its sitting is over for this rater; None while it is not."""
    with own_language(request):
        departure = departure_from(request.user, slug, **sitting)
    if departure is None:
        return None
    if wants_json(request):
        return JsonResponse({"error": departure.sentence, "departure": departure.kind}, status=410)
    return _over(request, departure.kind, departure.sentence)


def _over(request: HttpRequest, departure: str, sentence: str) -> HttpResponse:
    return render(request, "rating/over.html", {"departure": departure, "sentence": sentence}, status=410)


def _save(presentation: Presentation, showing: Presentation | None, form: AnswerForm) -> Refusal | None:
    """Keep the answer, and when both images were shown; else why not: 409 another stands, 410 and 422 it is not taken."""
    if reason := why_not_durable():
        return Refusal(503, lambda: _("Ratings are not taken now: %s") % reason)
    if not form.is_valid():
        return Refusal(422, lambda: sentences_of(form))
    answer = form.cleaned_data
    try:
        Rating.record(
            presentation,
            answer["client_key"],
            replaces=answer["replaces"],
            reason=answer["correction_reason"] if form.asks_correction_reason and answer["replaces"] else "",
            shown=_first_shown(presentation, showing, form.shown_ago()),
            **form.answer(),
        )
    except AlreadyRatedError as error:
        stands = error.rating
        return Refusal(
            409, lambda: _("Already rated: %s. The first answer stands.") % AlreadyRatedError(stands)
        )
    except StudyOverError:
        return _ended(presentation.sitting_id)
    except IntegrityError:  # one save's key used for two images
        return Refusal(422, _not_taken)
    return None


def _first_shown(
    presentation: Presentation, showing: Presentation | None, ago: timedelta
) -> dict[int, timedelta]:
    """Those of the two whose first showing no save has told yet, and how long ago it was."""
    unstamped = {} if presentation.first_shown_at else {presentation.pk: ago}
    if showing and not showing.first_shown_at:
        unstamped[showing.pk] = timedelta()
    return unstamped


def _ended(sitting: int) -> Refusal:
    """What has ended the reading while an answer was on its way."""
    stored = Sitting.objects.select_related("enrolment__study").get(pk=sitting)

    def sentence() -> str:
        departure = departure_of(stored)
        return departure.sentence if departure else _not_taken()

    departure = departure_of(stored)
    return Refusal(410, sentence, departure.kind if departure else "")


def _not_taken() -> str:
    return _("The study no longer takes this answer; it is kept here. Tell the organiser.")


def _rated_and_shown(request: HttpRequest, slug: str, token: str) -> tuple[Presentation, Presentation | None]:
    """What is rated, in any session: a save whose echo was lost may come again when the next session is current.

    With it, of the same sitting, what the browser shows by now.
    """
    showing = request.POST.get("showing", "").replace("\0", "")
    both = OF_TOKENS.rows(user=request.user.pk, slug=slug, token=token, showing=showing)
    by_token = {each.token: each for each in both}
    presentation = _readable(by_token.get(token))
    shown_with = by_token.get(showing)
    if shown_with is None or shown_with == presentation or shown_with.sitting_id != presentation.sitting_id:
        return presentation, None
    return presentation, shown_with


def _presentations(user: Any, slug: str | Parameter) -> PresentationQuerySet:
    """Those of this rater in an open study, with the rating where there is one."""
    of_rater = Presentation.objects.of(user).filter(sitting__enrolment__study__slug=slug)
    return of_rater.reachable().with_sitting().select_related("study_image__image", "rating")


USER, SLUG = Parameter("user", BigIntegerField()), Parameter("slug", CharField())
OF_TOKENS = PreparedQuery(
    lambda: (
        _presentations(USER, SLUG)
        .filter(token__in=[Parameter("token", CharField()), Parameter("showing", CharField())])
        .order_by()
    )
)
SITTINGS = PreparedQuery(
    lambda: (
        Sitting.objects.open_to(USER)
        .filter(enrolment__study__slug=SLUG)
        .select_related("enrolment__study")
        .order_by("session")
    )
)


def _readable(presentation: Presentation | None) -> Presentation:
    if presentation is None or not presentation.may_be_read():
        raise Http404
    return presentation


def _at_hand(request: HttpRequest, slug: str) -> Sitting | None:
    return at_hand_of(SITTINGS.rows(user=request.user.pk, slug=slug))


def _sitting(request: HttpRequest, slug: str) -> Sitting:
    sitting = _at_hand(request, slug)
    if sitting is None:
        raise Http404
    return sitting


def _whole_number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _blank(presentation: Presentation, rating: Rating | None = None) -> AnswerForm:
    """The form with nothing in it, or with the answer that a new one would replace."""
    initial: dict[str, object] = {"client_key": uuid.uuid4()}
    if rating:
        before = own_answer(rating)
        initial |= {**before, "replaces": before["key"]}
    else:
        initial |= own_draft(presentation) or {}
    return AnswerForm(initial=initial, sitting=presentation.sitting)


def _refuse(
    request: HttpRequest, presentation: Presentation, form: AnswerForm, refusal: Refusal
) -> HttpResponse:
    sentence = refusal.sentence()
    if wants_json(request):
        departure = {"departure": refusal.departure} if refusal.departure else {}
        return JsonResponse({"error": sentence, **departure}, status=refusal.status)
    if refusal.departure:
        return _over(request, refusal.departure, sentence)
    return _show(request, presentation, form, refusal=sentence, status=refusal.status)


def _show(
    request: HttpRequest,
    presentation: Presentation,
    form: AnswerForm,
    *,
    rating: Rating | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    presentation.mark_shown()
    room_here = room(presentation.sitting, presentation, rating)
    return reading_page(request, presentation, form, room_here, refusal=refusal, status=status)
