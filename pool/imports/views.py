"""Sending files, the list of imports, watching one go in, and reading what was refused."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from jobs.views import Context, JobPages
from pool.counting import count_of
from pool.imports.forms import UploadForm
from pool.imports.outcomes import outcome_lines
from pool.imports.uploads import UploadsGoneError, submit_upload
from pool.looks import note_look
from pool.models import FileOutcome, Image, ImportJob
from pool.strips import strip_of

RECENT = 10
CHECK_ONLY = "Check-Only"  # a page asks whether the form will do, before it sends files
MOST_LINES = 200  # of each list on the page; the CSV has them all

may_add = permission_required("pool.add_image", raise_exception=True)


@may_add
def upload(request: HttpRequest) -> HttpResponse:
    is_check = CHECK_ONLY in request.headers
    form = UploadForm(request.POST or None, request.FILES or None, person=request.user, files_follow=is_check)
    if request.method == "POST" and form.is_valid():
        if is_check:
            return HttpResponse(status=204)
        try:
            return redirect(_submitted(form, request.user))
        except UploadsGoneError as error:
            form.add_error("sent", str(error))
    recent = ImportJob.objects.visible_to(request.user).select_related("dataset")[:RECENT]
    context = {
        "form": form,
        "recent": recent,
        "sent_files": len(form.cleaned_data.get("sent", ())) if form.is_bound else 0,
    }
    return render(request, "pool/upload.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _submitted(form: UploadForm, person: Any) -> ImportJob:
    """The import, and the dataset it may be the first of: both or neither."""
    return submit_upload(form.target(person), form.upload(), by=person)


class ImportPages(JobPages[ImportJob]):
    """The imports, and one as its files go in and as it ended."""

    kind = ImportJob
    name = "import"
    heads = ("Images", "Into")
    seconds = 1

    def listed(self, request: HttpRequest) -> QuerySet[ImportJob]:
        return (
            super()
            .listed(request)
            .select_related("dataset")
            .annotate(
                refused_count=count_of(FileOutcome.objects.refused().of_files(), "job"),
                strip=strip_of(Image.objects.visible_to(request.user).order_by(), "import_job"),
            )
            .order_by("-created_at", "-pk")
        )

    def list_context(self, request: HttpRequest) -> Context:
        note_look(None, request.user, "imports")
        return {}

    def permission(self, act: str) -> str:
        """Who may add images may see and stop how they are added."""
        return "pool.add_image"

    def resumed(self, request: HttpRequest, job: ImportJob) -> str:
        if not job.has_its_files and job.dicomweb_source_id:
            return "Which series were chosen is forgotten by now: choose them again."
        if not job.has_its_files:
            return "The files that were sent are deleted by now: send them again."
        return super().resumed(request, job)

    def context_of(self, job: ImportJob, request: HttpRequest) -> Context:
        visible = Image.objects.visible_to(request.user)
        elsewhere = {} if job.is_active else job.images.elsewhere(visible)
        return {**super().context_of(job, request), "elsewhere": elsewhere}

    def context(self, job: ImportJob) -> Context:
        noted = job.images.noted().order_by("source_name").values_list("source_name", "notes")[:MOST_LINES]
        return {
            "noted": [{"file": name, **note} for name, notes in noted for note in notes],
            "refused": job.outcomes.refused()[:MOST_LINES],
            "rows_without_file": job.outcomes.rows_without_file().count(),
            "duplicates": job.outcomes.duplicates()[:MOST_LINES],
            "unchosen": job.outcomes.unchosen()[:MOST_LINES],
            "unchosen_count": job.outcomes.unchosen().count(),
            "duplicate_count": job.outcomes.duplicates().count(),
            "held_files": job.held_files.all()[:MOST_LINES],
            "held_count": job.held_files.count(),
            "waiting_count": job.held_files.waiting().count(),
            "most_lines": MOST_LINES,
        }


@require_safe
@may_add
def import_outcomes(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every file of an import with what became of it, as a CSV."""
    job = get_object_or_404(ImportJob.objects.visible_to(request.user), pk=pk)
    headers = {"Content-Disposition": f'attachment; filename="import-{job.pk}.csv"'}
    return StreamingHttpResponse(outcome_lines(job), content_type="text/csv; charset=utf-8", headers=headers)


pages = ImportPages()
