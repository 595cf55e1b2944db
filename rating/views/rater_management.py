"""The organiser's page on raters: how far, how fast, what looks odd; start over, withdraw, replace. No labels."""

from __future__ import annotations

from collections import defaultdict

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit import record
from rating.models import Enrolment, Rating, Sitting, Study
from rating.reading.attention_checks import Rated, flags
from rating.studies.study import NotPossibleError
from rating.views.rater_acts import act_on_rater


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def raters(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    enrolments = study.enrolments.select_related("user", "replaced_by").with_progress()
    sittings = defaultdict(list)
    for sitting in Sitting.objects.filter(enrolment__study=study).order_by("session", "attempt"):
        sittings[sitting.enrolment_id].append(sitting)
    odd = _flags_of(study)
    rows = [
        (each, sittings[each.pk], odd.get(each.pk, []), round((each.pace_ms or 0) / 1000))
        for each in enrolments
    ]
    return render(
        request,
        "rating/raters.html",
        {"study": study, "rows": rows, "may_edit": study.may_edit(request.user)},
    )


def _flags_of(study: Study) -> dict[int, list[str]]:
    """By enrolment: what its standing sittings look like."""
    rated: dict[int, list[Rated]] = defaultdict(list)
    rows = (
        Rating.objects.filter(
            presentation__sitting__enrolment__study=study,
            presentation__sitting__enrolment__machine="",
            presentation__sitting__reset_at=None,
        )
        .order_by("presentation__sitting__session", "presentation__position")
        .values_list(
            "presentation__sitting__enrolment",
            "presentation__sitting__session",
            "label",
            "active_ms",
            "idle_ms",
        )
    )
    for enrolment, session, label, active, idle in rows.iterator(chunk_size=5000):
        counts = "" if study.is_blinded_to_purpose(session) else label
        rated[enrolment].append(Rated(counts, active, idle))
    return {enrolment: flags(ratings) for enrolment, ratings in rated.items()}


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def reset(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return _act(request, slug, number, "reset")


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def mark_unblinded(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return _act(request, slug, number, "mark_unblinded")


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return _act(request, slug, number, "withdraw")


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def replace(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return _act(request, slug, number, "replace")


def _act(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponse:
    enrolment = get_object_or_404(
        Enrolment.objects.select_related("study", "user"),
        study__in=Study.objects.editable_by(request.user),
        study__slug=slug,
        number=number,
    )
    try:
        messages.success(request, act_on_rater(enrolment, name, request.POST, by=request.user))
    except NotPossibleError as reason:
        record(enrolment.study, request.user, "was refused", rater=enrolment.pseudonym, reason=str(reason))
        messages.error(request, str(reason))
    return redirect("rating:raters", slug)
