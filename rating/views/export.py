"""Downloads: ratings and bundle for people who may export, the report for people who may see the analysis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from audit import record
from rating.models import Study
from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.results.build_report import exhibit_drawer, report_on, results_of
from rating.results.cache import ResultCache
from rating.results.export.ratings_csv import codebook_lines, csv_lines
from rating.results.parts import Part
from rating.results.verification import verify_study
from rating.views.analysis import note_look
from rating.views.awaiting import await_analysis, or_wait


@permission_required("rating.export_study", raise_exception=True)
@never_cache
@require_GET
def ratings(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    keep_export(request.user, study)
    return _download(csv_lines(study), f"lungrater-ratings-{study.slug}.csv")


@permission_required("rating.export_study", raise_exception=True)
@require_GET
def codebook(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    return _download(codebook_lines(study), "lungrater-codebook.csv")


@permission_required("rating.export_study", raise_exception=True)
@never_cache
@require_GET
def bundle(request: HttpRequest, slug: str) -> HttpResponse:
    from rating.results.export.bundle import (
        bundle as bundle_of,  # Typst, which the web process need not load to start
    )

    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    content = bundle_of(study, _today())
    keep_export(request.user, study, bundle=True)
    return _attachment(content, "application/zip", f"lungrater-{study.slug}.zip")


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
@or_wait
def report(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The report as one file, html or pdf."""
    from rating.results.report.html import as_html
    from rating.results.report.pdf import as_pdf

    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    note_look(study, request.user, f"report {kind}")
    cache = ResultCache(study)
    await_analysis(request, study, Part(), cache)
    results = results_of(study, cache)
    make, content_type = {"html": (as_html, "text/html; charset=utf-8"), "pdf": (as_pdf, "application/pdf")}[
        kind
    ]
    content = make(report_on(study, results, _today(), cache), exhibit_drawer(cache, results))
    return _attachment(content, content_type, f"lungrater-report-{study.slug}.{kind}")


def keep_export(person: Any, study: Study, **detail: Any) -> None:
    """The log keeps each export with what `verify` says of what was handed out; changed ratings are not."""
    refuse_where_ratings_differ(study)
    verified = verify_study(study).is_whole
    record(study, person, "exported ratings", with_truth=study.is_unblinded, verified=verified, **detail)


def _today() -> str:
    return f"{timezone.now():%Y-%m-%d}"


def _attachment(content: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _download(lines: Iterator[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
