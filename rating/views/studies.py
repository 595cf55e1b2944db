"""The organiser's side: make a study, freeze it, open it, close it, unblind it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import ReasonForm
from audit import record
from audit.reading import folded
from rating.models import ArchivedStudy, Enrolment, Study
from rating.studies.protocol_lines import told_protocol
from rating.studies.readiness import NO_RATERS
from rating.studies.removal import archive, bring_back, delete_draft
from rating.studies.sampling.near_copies import held_back_from, let_near_copies_in
from rating.studies.sampling.strips import strips_of_studies
from rating.studies.stepper import pace, sentence_on_raters, steps
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of
from rating.studies.trail.sitting_heads import HEADS
from rating.views import jobs
from rating.views.headline import headline

PER_PAGE = 50
IN_A_ROW = 3  # images of each study in the list
LATEST = 100  # events that the study's own page shows; its log page has all


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def study_list(request: HttpRequest) -> HttpResponse:
    open_to_join = Study.objects.joinable_by(request.user)
    visible = Study.objects.visible_to(request.user)
    is_archive = "archived" in request.GET
    listed = visible.listed(archived=is_archive).with_progress().order_by("-created_at", "-pk")
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    studies = list(page)
    images = strips_of_studies(studies, request.user)
    context = {
        "page": page,
        "studies": [(study, images.get(study.pk, [])[:IN_A_ROW]) for study in studies],
        "is_archive": is_archive,
        "archived_count": visible.listed(archived=True).count(),
        "joinable": [(study, reverse("rating:join", args=[study.slug])) for study in open_to_join],
    }
    return render(request, "rating/study_list.html", context)


@permission_required("rating.add_study", raise_exception=True)
@require_POST
def copy(request: HttpRequest, slug: str) -> HttpResponse:
    draft = copy_of(get_object_or_404(Study.objects.visible_to(request.user), slug=slug), by=request.user)
    messages.success(
        request, "This is a draft with the same protocol; its images are drawn anew at its freeze."
    )
    return redirect("rating:edit", draft.slug)


@permission_required("rating.change_study", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """A draft goes for good, once somebody has said why."""
    study = get_object_or_404(Study.objects.drafts().owned_by(request.user), slug=slug)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            delete_draft(study, request.user, form.cleaned_data["reason"])
        except NotPossibleError as reason:
            messages.error(request, str(reason))
            return redirect(study)
        messages.success(request, f"The draft “{study}” is deleted.")
        return redirect("rating:studies")
    context = {"study": study, "form": form, "invited": study.enrolments.count()}
    return render(request, "rating/delete_draft.html", context, status=422 if form.errors else 200)


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def move_to_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Into the archive, or back out of it."""
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    try:
        (bring_back if "back" in request.POST else archive)(study, request.user)
    except NotPossibleError as reason:
        messages.error(request, str(reason))
    return redirect(study)


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    enrolments = list(Enrolment.objects.filter(study=study).select_related("user").with_progress())
    now = timezone.now()
    paces = [(enrolment.pseudonym, pace(enrolment, now)) for enrolment in enrolments]
    context = {
        "study": study,
        "may_fill": Study.objects.filled_by(request.user).filter(pk=study.pk).exists(),
        "steps": steps(study),
        "headline": headline(request, study),
        "on_raters": sentence_on_raters(paces),
        "rows": zip(enrolments, (state for _, state in paces), strict=True),
        "strata": study.strata.select_related("dataset"),
        "freeze": (freeze := study.freezes.first()),
        "freezing": jobs.freezes.part(request, freeze),
        "audit": (audit := study.blinding_audit),
        "auditing": jobs.audits.part(request, audit),
        "names_images": (names_images := bool(audit and audit.names_images_to(request.user))),
        "named_images": audit.images_named() if names_images and study.state == Study.State.FROZEN else [],
        "protocol": told_protocol(study),
        "reasons": (reasons := study.reasons_not_to_open() if study.opened_at is None else []),
        "lacks_raters_only": reasons == [NO_RATERS],
        "can_freeze": study.is_draft and not study.reasons_not_to_freeze(),
        "reason_form": ReasonForm(),
        "near_copies": held_back_from(study) if study.opened_at is None else 0,
        "log": folded(study.events.exclude(action=HEADS)[:LATEST]),
        "may_edit": study.may_edit(request.user),
        "is_owner": study.is_owned_by(request.user),
        "is_archived": ArchivedStudy.objects.filter(study=study).exists(),
        "members": study.memberships.select_related("user", "group"),
    }
    return render(request, "rating/study.html", context)


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def open_study(request: HttpRequest, slug: str) -> HttpResponse:
    return _act(request, slug, lambda study: study.open(request.user), "Raters can begin.")


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def let_copies_in(request: HttpRequest, slug: str) -> HttpResponse:
    reason = request.POST.get("reason", "")
    done = "Near-copies may be shown in this study; your name and reason stand in its log."
    return _act(request, slug, lambda study: let_near_copies_in(study, request.user, reason), done)


def _act(request: HttpRequest, slug: str, act: Callable[[Study], None], done: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    try:
        act(study)
    except NotPossibleError as reason:
        record(
            study,
            request.user,
            "was refused",
            act=str(request.resolver_match and request.resolver_match.url_name),
            reason=str(reason),
        )
        messages.error(request, str(reason))
    else:
        messages.success(request, done)
    return redirect(study)
