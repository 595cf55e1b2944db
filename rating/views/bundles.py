"""Bundles: made by a job, followed on its page, fetched once it is there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from audit import record
from jobs.views import JobPages
from rating.models import BundleJob, Study
from rating.results.export.bundle_form import BundleForm

DROPPED = "The file of this bundle is deleted by now: make it again."
may_export = permission_required("rating.export_study", raise_exception=True)


class BundlePages(JobPages[BundleJob]):
    kind = BundleJob
    name = "bundle"
    seconds = 1
    parts = ("", "_progress", "_cancel", "_resume")

    def permission(self, act: str) -> str:
        """Who may export a study may see, stop and fetch its bundles."""
        return "rating.export_study"

    def listed(self, request: HttpRequest) -> Any:
        return super().listed(request).select_related("study")


@may_export
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: HttpRequest, slug: str) -> HttpResponse:
    """The study's bundles so far, and the form that makes another."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    form = BundleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(study, by=request.user))
    context = {"study": study, "form": form, "bundles": study.bundles.select_related("requested_by")[:10]}
    return render(request, "rating/bundles.html", context, status=422 if form.errors else 200)


@may_export
@never_cache
@require_safe
def bundle_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The zip of a bundle; the log keeps who fetched it."""
    job = fetchable(request, pk)
    if not job.file:
        messages.info(request, DROPPED if job.is_dropped else "This bundle is not there yet.")
        return redirect(job)
    return zip_response(request, job)


def fetchable(request: HttpRequest, pk: int) -> BundleJob:
    """The bundle, for whom the study's results are open."""
    bundles: Any = BundleJob.objects.select_related("study")
    job: BundleJob = get_object_or_404(
        bundles.filter(study__in=Study.objects.results_open_to(request.user)), pk=pk
    )
    return job


def zip_response(request: HttpRequest, job: BundleJob) -> FileResponse:
    record(
        job.study,
        request.user,
        "exported ratings",
        bundle=True,
        with_truth=job.with_truth,
        verified=job.verified,
        sha256=job.sha256,
    )
    return FileResponse(
        job.file.open("rb"), as_attachment=True, filename=job.file_name, content_type="application/zip"
    )


pages = BundlePages()
