"""Downloads for people who may export."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from rating.export.ratings_csv import codebook_lines, csv_lines
from rating.models import AuditEvent, Study


@permission_required("rating.export_study", raise_exception=True)
@never_cache
@require_GET
def ratings(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study.objects.over(), slug=slug)
    AuditEvent.record(study, request.user, "exported ratings", with_truth=study.is_unblinded)
    return _download(csv_lines(study), f"lungrater-ratings-{study.slug}.csv")


@permission_required("rating.export_study", raise_exception=True)
@require_GET
def codebook(_request: HttpRequest, slug: str) -> HttpResponseBase:
    get_object_or_404(Study, slug=slug)
    return _download(codebook_lines(), "lungrater-codebook.csv")


def _download(lines: Iterator[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
