"""Quality reports: the list, a new one, one as it is made and read, its figures and files."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import permission_required
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from generation.quality.figures import DISTANCES, curves_figure, distances_figure
from generation.quality.forms import QualityForm
from generation.quality.models import Part, QualityReport
from generation.quality.table import as_csv
from generation.training.checkpoint_views import FOR_GOOD, OF_A_DRAWING
from jobs.views import Context, JobPages
from pool.choices import for_person
from pool.figure_style import as_file, theme_of
from pool.looks import note_look
from pool.models import Image
from pool.storage.stored_files import stored_bytes
from pool.strips import strip_of

IMAGES = ("closest", "best", "worst")

may_view = permission_required("generation.view_qualityreport", raise_exception=True)
may_add = permission_required("generation.add_qualityreport", raise_exception=True)


class QualityPages(JobPages[QualityReport]):
    """The reports, and one as it is made and read."""

    kind = QualityReport
    name = "quality"
    heads = ("Images", "Fakes", "Measured")

    def listed(self, request: HttpRequest) -> QuerySet[QualityReport]:
        images = Image.objects.visible_to(request.user).usable().order_by("pixel_sha256")
        strip = strip_of(images, "dataset", outer="candidate")
        return (
            self.detailed(request).defer("results").annotate(strip=strip, number_rows=F("results__numbers"))
        )

    def detailed(self, request: HttpRequest) -> QuerySet[QualityReport]:
        return super().listed(request).select_related("reference", "candidate")

    def list_context(self, request: HttpRequest) -> Context:
        note_look(None, request.user, "quality reports")
        return {}

    def context(self, job: QualityReport) -> Context:
        if not job.results:
            return {}
        return {
            "numbers": job.numbers,
            "parts": job.parts,
            "sheets": _sheets(job),
            "results": job.results,
            "extractors": job.extractor_facts,
        }


@may_add
def create(request: HttpRequest) -> HttpResponse:
    form = for_person(
        QualityForm(request.POST or None, initial={"candidate": request.GET.get("candidate")}), request.user
    )
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    return render(request, "generation/quality_form.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@may_view
def figure(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    report, theme = _report(request, pk), theme_of(request.GET)
    curves = report.results.get("curves", {}).get(name)
    if name == DISTANCES and report.results.get("extractors"):
        drawing = distances_figure([Part("all fakes", "", report.numbers), *report.parts], theme)
    elif curves is not None:
        drawing = curves_figure(name, curves, theme)
    else:
        raise Http404
    svg = as_file(drawing, "svg")
    headers = {"Cache-Control": FOR_GOOD, "Content-Security-Policy": OF_A_DRAWING}
    return HttpResponse(svg, content_type="image/svg+xml", headers=headers)


@require_safe
@may_view
def saliency(request: HttpRequest, pk: int) -> HttpResponse:
    """The strip of images with what told the machine rater “fake”."""
    row = _report(request, pk)
    if not row.saliency:
        raise Http404
    png = stored_bytes(row.saliency, f"the strip of {row}")
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": FOR_GOOD})


@require_safe
@may_view
def download(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    row = _report(request, pk)
    if not row.results:
        raise Http404
    text = as_csv(row) if kind == "csv" else json.dumps(row.results, ensure_ascii=False)
    content_type = "text/csv; charset=utf-8" if kind == "csv" else "application/json"
    disposition = f'attachment; filename="quality-{row.pk}.{kind}"'
    return HttpResponse(text, content_type=content_type, headers={"Content-Disposition": disposition})


def _report(request: HttpRequest, pk: int) -> QualityReport:
    reports = QualityReport.objects.visible_to(request.user).select_related(
        "reference", "candidate", "requested_by"
    )
    return get_object_or_404(reports, pk=pk)


def _sheets(row: QualityReport) -> dict[str, list[Context]]:
    """The pairs to show, each generated image with the real one nearest to it, as far as they are still there."""
    keys = {key for name in IMAGES for pair in row.results[name] for key in (pair["fake"], pair["of"]) if key}
    images = {str(image.pk): image for image in Image.objects.filter(pk__in=keys).select_related("dataset")}
    return {
        name: [
            {**pair, "image": images[pair["fake"]], "nearest": images.get(pair["of"])}
            for pair in row.results[name]
            if pair["fake"] in images
        ]
        for name in IMAGES
    }


pages = QualityPages()
