"""Downloads: ratings for people who may export, the report for people who may see the analysis."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from audit import record
from jobs.snapshot import in_one_snapshot, one_snapshot
from pool.storage.measured_zip import chunks_of
from rating.models import Study
from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.results.build_report import exhibit_drawer, report_on, results_of
from rating.results.cache import ResultCache
from rating.results.computation.queue import is_large
from rating.results.export.parquet import MISSING, has_parquet, write_parquet
from rating.results.export.ratings_csv import codebook_lines, csv_lines
from rating.results.verification import verify_study
from rating.studies.trail.looks import note_look

CSV = "text/csv; charset=utf-8"
PARQUET = "application/vnd.apache.parquet"
OF_MANY = (
    "The report on so many ratings is made by a worker, with the bundle: make one, and it is in the zip."
)


@permission_required("rating.export_study", raise_exception=True)
@never_cache
@require_GET
def ratings(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    keep_export(request.user, study)
    return attached(in_one_snapshot(csv_lines(study)), CSV, f"lungrater-ratings-{study.slug}.csv")


@permission_required("rating.export_study", raise_exception=True)
@require_GET
def codebook(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    return attached(codebook_lines(study), CSV, "lungrater-codebook.csv")


@permission_required("rating.export_study", raise_exception=True)
@never_cache
@require_GET
def parquet(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The ratings as Parquet; where this site has no writer of it, a page that says so."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    if not has_parquet():
        messages.error(request, MISSING)
        return redirect("rating:analysis", slug)
    keep_export(request.user, study, format="parquet")
    return attached(parquet_chunks(study), PARQUET, f"lungrater-ratings-{study.slug}.parquet")


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def report(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The report as one file, html or pdf; of a large study a worker makes it, with the bundle."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    if is_large(study):
        messages.info(request, OF_MANY)
        return redirect("rating:bundles", slug)
    return report_file(request, study, kind)


def report_file(request: HttpRequest, study: Study, kind: str) -> HttpResponse:
    from rating.results.report.html import as_html
    from rating.results.report.pdf import as_pdf

    note_look(study, request.user, f"report {kind}")
    cache = ResultCache(study)
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


def attached(content: Iterator[str] | Iterator[bytes], kind: str, name: str) -> StreamingHttpResponse:
    """A file that is read from the database while it is sent."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=kind, headers=headers)


def parquet_chunks(study: Study) -> Iterator[bytes]:
    """The file, written to the disk in one snapshot and then sent: its end has to be known first."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.parquet"
        with one_snapshot():
            write_parquet(study, path)
        with path.open("rb") as file:
            yield from chunks_of(file)
