"""Utility experiments: the list, a new one, one at work, and its report."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from generation.utility.figures import FIGURES
from generation.utility.forms import UtilityForm
from generation.utility.models import UtilityExperiment, UtilityExplanation
from generation.utility.score_table import as_csv
from generation.utility.tables import Report
from jobs.how_long.button import is_of_duration, with_duration
from jobs.how_long.estimate import in_words
from jobs.views import Context, JobPages
from pool.choices import for_person
from pool.figure_style import FORMATS, PRINT, as_file, theme_of
from pool.looks import note_look
from pool.models import Image
from pool.storage.stored_files import stored_bytes
from pool.strips import strip_of

FOR_GOOD = "private, max-age=31536000, immutable"

may_view = permission_required("generation.view_utilityexperiment", raise_exception=True)
may_add = permission_required("generation.add_utilityexperiment", raise_exception=True)


class UtilityPages(JobPages[UtilityExperiment]):
    """The experiments, one at work, and its report."""

    kind = UtilityExperiment
    name = "utility"
    heads = ("Images", "Experiment", "Synthetic")

    def listed(self, request: HttpRequest) -> QuerySet[UtilityExperiment]:
        rows = super().listed(request).select_related("real").prefetch_related("synthetic")
        images = Image.objects.visible_to(request.user).usable().order_by("pixel_sha256")
        return rows.defer("leaks", "report").annotate(strip=strip_of(images, "dataset", outer="real"))

    def detailed(self, request: HttpRequest) -> QuerySet[UtilityExperiment]:
        return super().listed(request).select_related("real", "external", "training", "generation")

    def list_context(self, request: HttpRequest) -> Context:
        note_look(None, request.user, "utility experiments")
        return {}

    def context(self, job: UtilityExperiment) -> Context:
        seconds = job.seconds_left
        return {
            "report": Report.of(job) if job.report else None,
            "time_left": "" if seconds is None else in_words(seconds),
        }


@may_add
def new(request: HttpRequest) -> HttpResponse:
    form = for_person(
        UtilityForm(request.POST or None, initial={"real": request.GET.get("dataset")}), request.user
    )
    if is_of_duration(request):
        return render(request, "generation/utility_form.html", with_duration(form))
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    return render(request, "generation/utility_form.html", {"form": form}, status=422 if form.errors else 200)


def _experiment(request: HttpRequest, pk: int) -> UtilityExperiment:
    rows = UtilityExperiment.objects.visible_to(request.user).select_related(
        "real", "external", "requested_by", "training", "generation"
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
@may_view
def figure(request: HttpRequest, pk: int, name: str, kind: str) -> HttpResponse:
    """A drawing of the report: in the colours of the page, or those of paper to download."""
    row = _experiment(request, pk)
    if not row.report or name not in FIGURES or kind not in FORMATS:
        raise Http404
    if name in {"subgroups", "external"} and not getattr(row.results, name):
        raise Http404
    download = "download" in request.GET
    content = as_file(FIGURES[name](row.results, PRINT if download else theme_of(request.GET)), kind)
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
def score_table(request: HttpRequest, pk: int) -> HttpResponse:
    row = _experiment(request, pk)
    if not row.report:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="utility-{row.pk}.csv"'}
    return HttpResponse(as_csv(row), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@may_view
def explanation(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a classifier looked, drawn over the image."""
    row = get_object_or_404(
        UtilityExplanation, pk=pk, experiment__in=UtilityExperiment.objects.visible_to(request.user)
    )
    png = stored_bytes(row.saliency_map, f"an explanation of {row.experiment}")
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": FOR_GOOD})


pages = UtilityPages()
