"""Utility experiments: the list, a new one, one at work, and its report."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from generation.utility.figures import FIGURES
from generation.utility.forms import UtilityForm
from generation.utility.models import UtilityExperiment, UtilityExplanation
from generation.utility.tables import Report
from pool.choices import for_person
from pool.figure_style import FORMATS, PRINT, SCREEN, as_file

PER_PAGE = 30
FOR_GOOD = "private, max-age=31536000, immutable"

may_view = permission_required("generation.view_utilityexperiment", raise_exception=True)
may_add = permission_required("generation.add_utilityexperiment", raise_exception=True)
may_change = permission_required("generation.change_utilityexperiment", raise_exception=True)


@require_safe
@may_view
def experiments(request: HttpRequest) -> HttpResponse:
    rows = (
        UtilityExperiment.objects.visible_to(request.user)
        .select_related("real", "requested_by")
        .prefetch_related("synthetic")
    )
    page = Paginator(rows.defer("leaks", "report"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "moving": any(row.is_active for row in page)}
    part = "_utility_experiments" if request.headers.get("HX-Request") else "utility_experiments"
    return render(request, f"generation/{part}.html", context)


@may_add
def new(request: HttpRequest) -> HttpResponse:
    form = for_person(
        UtilityForm(request.POST or None, initial={"real": request.GET.get("dataset")}), request.user
    )
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    return render(request, "generation/utility_form.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@may_view
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "generation/utility_experiment.html", _context(request, pk))


@require_safe
@may_view
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the experiment's page that moves."""
    context = _context(request, pk)
    response = render(request, "generation/_utility_progress.html", context)
    if not context["experiment"].is_active:
        response["HX-Refresh"] = "true"
    return response


def _experiment(request: HttpRequest, pk: int) -> UtilityExperiment:
    rows = UtilityExperiment.objects.visible_to(request.user).select_related(
        "real", "requested_by", "training", "generation"
    )
    return get_object_or_404(rows, pk=pk)


def _context(request: HttpRequest, pk: int) -> dict[str, Any]:
    row = _experiment(request, pk)
    return {"experiment": row, "report": Report.of(row) if row.report else None}


@require_POST
@may_change
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(UtilityExperiment.objects.editable_by(request.user), pk=pk).request_cancel()
    return redirect("generation:utility_experiment", pk)


@require_POST
@may_change
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a stopped or failed experiment again; it makes what is missing."""
    row: UtilityExperiment = get_object_or_404(UtilityExperiment.objects.editable_by(request.user), pk=pk)
    if not row.queue_again():
        messages.info(request, "This experiment needs no second start.")
    return redirect(row)


@require_safe
@may_view
def figure(request: HttpRequest, pk: int, name: str, kind: str) -> HttpResponse:
    """A drawing of the report: dark for the page, light to download."""
    row = _experiment(request, pk)
    if not row.report or name not in FIGURES or kind not in FORMATS:
        raise Http404
    download = "download" in request.GET
    content = as_file(FIGURES[name](row.results, PRINT if download else SCREEN), kind)
    response = HttpResponse(content, content_type=FORMATS[kind])
    if download:
        response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


@require_safe
@may_view
def report_json(request: HttpRequest, pk: int) -> HttpResponse:
    row = _experiment(request, pk)
    if not row.report:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="utility-{row.pk}.json"'}
    return JsonResponse({"experiment": row.name, "config": row.config, **row.report}, headers=headers)


@require_safe
@may_view
def explanation(request: HttpRequest, pk: int) -> FileResponse:
    """Where a classifier looked, drawn over the image."""
    row = get_object_or_404(
        UtilityExplanation, pk=pk, experiment__in=UtilityExperiment.objects.visible_to(request.user)
    )
    return FileResponse(row.picture.open("rb"), content_type="image/png", headers={"Cache-Control": FOR_GOOD})
