"""The rater's side: my studies, one image at a time, done.

Every page works as a plain form; a browser that runs the reading room's script asks the same URLs for JSON.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from pool.durability import why_not_durable
from rating.models import Enrolment, Presentation, Rating, Sitting, Study
from rating.reading.answer_form import CONFIDENCE, AnswerForm
from rating.reading.payload import feedback, image_urls, own_answer, public_facts, room
from rating.reading.payload import prefetchable as held_ahead
from rating.reading.rating import AlreadyRatedError
from rating.studies.sitting_heads import enter_heads
from rating.views.raters import for_raters, wants_json


@for_raters
@require_GET
def reading_list(request: HttpRequest) -> HttpResponse:
    enter_heads(Sitting.objects.open_to(request.user))
    enrolments = Enrolment.objects.of(request.user).with_progress()
    return render(request, "rating/reading_list.html", {"enrolments": enrolments})


@for_raters
@require_GET
def read(request: HttpRequest, slug: str) -> HttpResponse:
    """The first image not rated yet, or the page that says thank you."""
    sitting = _sitting(request, slug)
    if not sitting.may_begin():
        return render(request, "rating/washout.html", {"sitting": sitting})
    if not sitting.enrolment.has_consented(sitting.session):
        return redirect("rating:begin", slug)
    presentation = sitting.next_presentation()
    if presentation is None:
        enter_heads(Sitting.objects.filter(pk=sitting.pk))
        return render(request, "rating/done.html", {"study": sitting.enrolment.study})
    return _show(request, presentation, _blank(presentation))


@for_raters
@require_GET
def at(request: HttpRequest, slug: str, position: int) -> HttpResponse:
    """An image this rater has reached, with their own answer if there is one."""
    sitting = _sitting(request, slug)
    presentation = _presentation(request, slug, sitting=sitting, position=position)
    rating = Rating.objects.filter(presentation=presentation).first()
    if rating and not presentation.may_be_corrected():
        raise PermissionDenied
    if wants_json(request):
        return JsonResponse({**public_facts(presentation), "answer": own_answer(rating) if rating else None})
    return _show(request, presentation, _blank(presentation, rating), rating=rating)


@for_raters
@require_GET
def upcoming(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is signed in, and what may be held of the session at hand; of another session nothing."""
    sitting = _sitting(request, slug)
    at_hand = request.GET.get("session") == str(sitting.session) and sitting.may_be_read()
    return JsonResponse(
        {"account": str(request.user.pk), "ahead": held_ahead(sitting, after=0) if at_hand else []}
    )


@for_raters
@require_POST
def rate(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    if request.POST.get("account") not in {None, str(request.user.pk)}:
        return JsonResponse({"error": "other account"}, status=403)
    presentation = _presentation(request, slug, token=token)
    form = AnswerForm(request.POST, sitting=presentation.sitting)
    if reason := why_not_durable():
        return _refuse(request, presentation, form, _("Ratings are not taken now: %s") % reason, status=503)
    if not form.is_valid():
        return _refuse(request, presentation, form, " ".join(_sentences(form)), status=422)
    try:
        _save(presentation, form)
    except (AlreadyRatedError, IntegrityError) as error:
        return _refuse(request, presentation, form, _why_not_taken(error), status=409)
    if wants_json(request):
        after = held_ahead(presentation.sitting, after=form.cleaned_data["after"] or 0)
        saved = {"saved": str(form.cleaned_data["client_key"]), "ahead": after}
        told_now = {"feedback": feedback(presentation)} if presentation.is_practice else {}
        return JsonResponse({**saved, **told_now})
    if presentation.is_practice:
        messages.info(request, feedback(presentation))
    return redirect("rating:read", slug)


def _save(presentation: Presentation, form: AnswerForm) -> None:
    answer = form.cleaned_data
    presentation.mark_shown(ago=form.shown_ago())
    Rating.record(presentation, answer["client_key"], replaces=answer["replaces"], **form.answer())
    if answer["showing"]:
        for presentation_on_screen in presentation.sitting.presentations.reachable().filter(
            token=answer["showing"]
        ):
            presentation_on_screen.mark_shown()


def _why_not_taken(error: Exception) -> str:
    if isinstance(error, AlreadyRatedError):
        return _("Already rated: %s. The first answer stands.") % error
    # Closed since the request began, or one save's key used for two images.
    return _("The study no longer takes this answer; it is kept here. Tell the organiser.")


def _presentation(request: HttpRequest, slug: str, **which: Any) -> Presentation:
    """In any session: a save whose echo was lost may come again when the next session is current."""
    presentations = Presentation.objects.of(request.user).reachable()
    of_study = presentations.filter(sitting__enrolment__study__slug=slug).select_related(
        "sitting__enrolment__study", "study_image__image"
    )
    presentation: Presentation = get_object_or_404(of_study, **which)
    if not presentation.sitting.may_be_read():
        raise Http404
    return presentation


def _sitting(request: HttpRequest, slug: str) -> Sitting:
    study = get_object_or_404(Study.objects.open_to(request.user), slug=slug)
    sitting = Sitting.objects.current(request.user, study)
    if sitting is None:
        raise Http404
    return sitting


def _blank(presentation: Presentation, rating: Rating | None = None) -> AnswerForm:
    """The form with nothing in it, or with the answer that a new one would replace."""
    initial: dict[str, Any] = {"client_key": uuid.uuid4()}
    if rating:
        before = own_answer(rating)
        initial |= {**before, "replaces": before["key"]}
    return AnswerForm(initial=initial, sitting=presentation.sitting)


def _sentences(form: AnswerForm) -> list[str]:
    return [str(error) for errors in form.errors.values() for error in errors]


def _refuse(
    request: HttpRequest, presentation: Presentation, form: AnswerForm, refusal: str, *, status: int
) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": refusal}, status=status)
    return _show(request, presentation, form, refusal=refusal, status=status)


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
    sitting = presentation.sitting
    context = {
        "study": sitting.enrolment.study,
        "presentation": presentation,
        "question": sitting.question,
        "pictures": image_urls(sitting.enrolment.study, presentation.token),
        "form": form,
        "refusal": refusal,
        "confidence": CONFIDENCE,
        "room": room(sitting, presentation, rating),
    }
    return render(request, "rating/read.html", context, status=status)
