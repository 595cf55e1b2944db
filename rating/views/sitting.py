"""The rater's side: my studies, one image at a time, done."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from pool.durability import why_not_durable
from rating.forms import AnswerForm
from rating.models import Enrolment, Presentation, Rating, Sitting, Study


@permission_required("rating.rate", raise_exception=True)
@never_cache
@require_GET
def reading_list(request: HttpRequest) -> HttpResponse:
    enrolments = Enrolment.objects.of(request.user).with_progress()
    return render(request, "rating/reading_list.html", {"enrolments": enrolments})


@permission_required("rating.rate", raise_exception=True)
@never_cache
@require_GET
def read(request: HttpRequest, slug: str) -> HttpResponse:
    """The first image not rated yet, or the page that says thank you."""
    sitting = _sitting(request, slug)
    presentation = sitting.next_presentation()
    if presentation is None:
        return render(request, "rating/done.html", {"study": sitting.enrolment.study})
    return _show(request, presentation, AnswerForm(initial={"client_key": uuid.uuid4()}))


@permission_required("rating.rate", raise_exception=True)
@never_cache
@require_POST
def rate(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    presentation = get_object_or_404(
        Presentation.objects.of(request.user).reachable(), token=token, sitting__enrolment__study__slug=slug
    )
    form = AnswerForm(request.POST)
    if reason := why_not_durable():
        return _show(request, presentation, form, refusal=f"Ratings are not taken now: {reason}", status=503)
    if not form.is_valid():
        return _show(request, presentation, form, status=422)
    Rating.record(presentation, form.cleaned_data["client_key"], **form.answer())
    return redirect("rating:read", slug)


def _sitting(request: HttpRequest, slug: str) -> Sitting:
    study = get_object_or_404(Study.objects.open_to(request.user), slug=slug)
    sittings = Sitting.objects.select_related("enrolment__study")
    return get_object_or_404(sittings, enrolment__study=study, enrolment__user=request.user)


def _show(
    request: HttpRequest,
    presentation: Presentation,
    form: AnswerForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    presentation.mark_shown()
    sitting = presentation.sitting
    context = {
        "study": sitting.enrolment.study,
        "presentation": presentation,
        "form": form,
        "refusal": refusal,
        "position": presentation.position,
        "total": sitting.presentations.count(),
    }
    return render(request, "rating/read.html", context, status=status)
