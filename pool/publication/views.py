"""Releasing a dataset: the form, the job's page, the zip."""

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
from pool.models import Dataset
from pool.publication.forms import ReleaseForm
from pool.publication.models import DatasetRelease
from pool.publication.rules import reasons_not_to_release

DROPPED = "The file of this release is deleted by now: make it again."
NOT_YET = "This release is not there yet."
OLDER = "This release was made before LungRater kept Croissant beside the zip: make it again."
CROISSANT = "application/ld+json"
may_change = permission_required("pool.change_image", raise_exception=True)


class ReleasePages(JobPages[DatasetRelease]):
    kind = DatasetRelease
    name = "release"
    seconds = 1
    parts = ("", "_progress", "_cancel", "_resume")

    def permission(self, act: str) -> str:
        """Who may change a dataset's images may give them away."""
        return "pool.change_image"

    def listed(self, request: HttpRequest) -> Any:
        return super().listed(request).select_related("dataset")


@may_change
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """The dataset's releases so far, and the form that makes another."""
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    form = ReleaseForm(request.POST or None, dataset=dataset)
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(by=request.user))
    context = {
        "dataset": dataset,
        "form": form,
        "reasons": [] if form.errors else reasons_not_to_release(dataset),
        "releases": dataset.releases.select_related("requested_by")[:10],
    }
    return render(request, "pool/releases.html", context, status=422 if form.errors else 200)


@may_change
@never_cache
@require_safe
def release_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The zip; the log keeps who fetched it."""
    job = fetchable(request, pk)
    if not job.file:
        messages.info(request, DROPPED if job.is_dropped else NOT_YET)
        return redirect(job)
    return zip_response(request, job)


def fetchable(request: HttpRequest, pk: int) -> DatasetRelease:
    jobs: Any = DatasetRelease.objects.select_related("dataset")
    job: DatasetRelease = get_object_or_404(
        jobs.filter(dataset__in=Dataset.objects.editable_by(request.user)), pk=pk
    )
    return job


def zip_response(request: HttpRequest, job: DatasetRelease) -> FileResponse:
    record(job.dataset, request.user, "took out a release", sha256=job.sha256)
    return FileResponse(
        job.file.open("rb"), as_attachment=True, filename=job.zip_name, content_type="application/zip"
    )


@may_change
@never_cache
@require_safe
def release_croissant(request: HttpRequest, pk: int) -> HttpResponse:
    """The metadata to lie beside the zip: table and images bound to it by its SHA-256."""
    job = fetchable(request, pk)
    if reason := why_no_croissant(job):
        messages.info(request, reason)
        return redirect(job)
    return croissant_response(job)


def why_no_croissant(job: DatasetRelease) -> str:
    if not job.file:
        return DROPPED if job.is_dropped else NOT_YET
    return "" if job.croissant else OLDER


def croissant_response(job: DatasetRelease) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{job.croissant_name}"'}
    return HttpResponse(job.croissant, content_type=CROISSANT, headers=headers)


pages = ReleasePages()
