"""The organiser's page on raters: how far, how fast, what looks odd; start over, withdraw, replace. No labels."""

from __future__ import annotations

from collections import defaultdict

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit import record
from rating.models import Enrolment, Sitting, Study
from rating.reading.attention_checks import flags
from rating.reading.habits import habits_of
from rating.studies.invitations import ways_in
from rating.studies.study import NotPossibleError
from rating.views.conduct.rater_acts import act_on_rater

PER_PAGE = 25


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def raters(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    enrolments = (
        study.enrolments.select_related("user", "replaced_by", "recruit").with_progress().order_by("number")
    )
    page = Paginator(enrolments, PER_PAGE).get_page(request.GET.get("page"))
    ways = ways_in(study, page)
    keys = [enrolment.pk for enrolment in page]
    sittings = defaultdict(list)
    for sitting in Sitting.objects.filter(enrolment__in=keys).order_by("session", "attempt"):
        sittings[sitting.enrolment_id].append(sitting)
    habits = habits_of(keys, informed_from=study.first_informed_session)
    rows = [
        (
            each,
            sittings[each.pk],
            flags(habits[each.pk]) if each.pk in habits and not each.machine else [],
            round((each.pace_ms or 0) / 1000),
            "" if each.machine or study.is_simulated else ways[each.pk].label,
        )
        for each in page
    ]
    context = {
        "study": study,
        "page": page,
        "rows": rows,
        "may_edit": study.may_edit(request.user),
        "may_fill": Study.objects.filled_by(request.user).filter(pk=study.pk).exists(),
    }
    return render(request, "rating/raters.html", context)


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
    # A replacement is also for whoever holds the key, who need not have a part in the study.
    studies = Study.objects.editable_by(request.user)
    if holds_key := name == "replace" and Study.objects.keys_of(request.user).filter(slug=slug).exists():
        studies = Study.objects.all()
    enrolment = get_object_or_404(
        Enrolment.objects.select_related("study", "user"),
        study__in=studies,
        study__slug=slug,
        number=number,
    )
    try:
        messages.success(request, act_on_rater(enrolment, name, request.POST, by=request.user))
    except NotPossibleError as reason:
        record(enrolment.study, request.user, "was refused", rater=enrolment.pseudonym, reason=str(reason))
        messages.error(request, str(reason))
    return redirect("rating:key" if holds_key else "rating:raters", slug)
