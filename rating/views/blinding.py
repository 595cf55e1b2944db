"""The blinding audit on the organiser's page: run it again, follow it, answer for a red one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from rating.blinding.heat_map import heat_map_png
from rating.models import BlindingAudit, Study
from rating.studies.study import NotPossibleError


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def run(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    if study.is_draft:
        messages.error(request, "Freeze the study first: the audit looks at what raters will see.")
        return redirect(study)
    try:
        with transaction.atomic():
            BlindingAudit(study=study, requested_by_id=request.user.pk).submit()
    except IntegrityError:
        messages.info(request, "The blinding audit is running already.")
    return redirect(study)


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def places(request: HttpRequest, slug: str) -> HttpResponse:
    """The map of places, for whoever may see which images are generated."""
    audit = get_object_or_404(Study.objects.visible_to(request.user), slug=slug).blinding_audit
    if audit is None or audit.heat_map is None or not audit.names_images_to(request.user):
        raise Http404
    return HttpResponse(heat_map_png(audit.heat_map), content_type="image/png")


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def override(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    try:
        if study.blinding_audit is None:
            raise NotPossibleError("There is no audit to override yet.")
        study.blinding_audit.override(request.user, request.POST.get("reason", ""))
    except NotPossibleError as reason:
        messages.error(request, str(reason))
    else:
        messages.success(
            request, "The study may open; your name and reason stand in its log and its methods text."
        )
    return redirect(study)
