"""Sending files, watching them go in, and reading what was refused."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from pool.imports.forms import UploadForm
from pool.imports.outcomes import outcome_lines
from pool.imports.uploads import submit_upload
from pool.models import ImportJob

RECENT = 10
MOST_LINES = 200  # of each list on the page; the CSV has them all

may_add = permission_required("pool.add_image", raise_exception=True)


@may_add
def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None, person=request.user)
    if request.method == "POST" and form.is_valid():
        return redirect(submit_upload(form.target(request.user), form.cleaned_data, by=request.user))
    recent = ImportJob.objects.visible_to(request.user).select_related("dataset")[:RECENT]
    return render(
        request, "pool/upload.html", {"form": form, "recent": recent}, status=422 if form.errors else 200
    )


@require_safe
@may_add
def import_result(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(ImportJob.objects.visible_to(request.user).select_related("dataset"), pk=pk)
    noted = job.images.noted().order_by("source_name").values_list("source_name", "notes")[:MOST_LINES]
    context = {
        "job": job,
        "noted": [{"file": name, **note} for name, notes in noted for note in notes],
        "refused": job.outcomes.refused()[:MOST_LINES],
        "refused_count": job.outcomes.refused().count(),
        "duplicates": job.outcomes.duplicates()[:MOST_LINES],
        "duplicate_count": job.outcomes.duplicates().count(),
        "held_files": job.held_files.all()[:MOST_LINES],
        "held_count": job.held_files.count(),
        "waiting_count": job.held_files.waiting().count(),
        "most_lines": MOST_LINES,
    }
    return render(request, "pool/import.html", context)


@require_safe
@may_add
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the page; once there is nothing to watch, the browser loads the whole page again."""
    job = get_object_or_404(ImportJob.objects.visible_to(request.user), pk=pk)
    if not job.is_active:
        return HttpResponseClientRefresh()
    return render(request, "pool/_import_progress.html", {"job": job})


@require_safe
@may_add
def import_outcomes(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every file of an import with what became of it, as a CSV."""
    job = get_object_or_404(ImportJob.objects.visible_to(request.user), pk=pk)
    headers = {"Content-Disposition": f'attachment; filename="import-{job.pk}.csv"'}
    return StreamingHttpResponse(outcome_lines(job), content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
@may_add
def cancel_import(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(ImportJob.objects.editable_by(request.user), pk=pk).request_cancel()
    return redirect("pool:import", pk)
