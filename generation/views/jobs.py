"""The queue, a new job, and one job as it fills the pool."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from generation.forms import JOB_FORMS, random_seed
from generation.models import Checkpoint, GenerationJob

PER_PAGE = 30
SHOWN = 60

may_view = permission_required("generation.view_generationjob", raise_exception=True)
may_add = permission_required("generation.add_generationjob", raise_exception=True)
may_change = permission_required("generation.change_generationjob", raise_exception=True)


@require_safe
@may_view
def jobs(request: HttpRequest) -> HttpResponse:
    """All jobs, newest first; asked by htmx, the table alone."""
    page = Paginator(GenerationJob.objects.with_counts(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "moving": any(job.is_active for job in page)}
    template = "generation/_jobs.html" if request.headers.get("HX-Request") else "generation/jobs.html"
    return render(request, template, context)


@may_add
def create(request: HttpRequest, engine: str = GenerationJob.Engine.DIFFUSION) -> HttpResponse:
    form = JOB_FORMS[engine](request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    context = {
        "form": form,
        "engine": engine,
        "engines": GenerationJob.Engine.choices,
        "no_model": engine == GenerationJob.Engine.DIFFUSION and not Checkpoint.objects.exists(),
    }
    return render(request, "generation/job_form.html", context, status=422 if form.errors else 200)


@require_safe
@may_view
def job(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _counted(pk)
    return render(request, "generation/job.html", progress_of(shown))


@require_safe
@may_view
def job_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the job's page that moves."""
    shown = _counted(pk)
    response = render(request, "generation/_job_progress.html", progress_of(shown))
    if not shown.is_active:
        response["HX-Refresh"] = "true"
    return response


def _counted(pk: int) -> GenerationJob:
    # The cast: the manager is inherited from the abstract Job, and typed so.
    return cast("GenerationJob", get_object_or_404(GenerationJob.objects.with_counts(), pk=pk))


def progress_of(job: GenerationJob) -> dict[str, Any]:
    """What the job's page shows of its progress."""
    made = job.outcomes.filter(outcome="made").order_by("-index").select_related("image")
    missed = job.outcomes.exclude(outcome="made").values("outcome", "reason")
    return {
        "job": job,
        "made": list(made[:SHOWN]),
        "seconds_left": None if job.seconds_left is None else round(job.seconds_left),
        "missed": missed.annotate(number=Count("pk")).order_by("-number"),
    }


@require_POST
@may_change
def cancel(_request: HttpRequest, pk: int) -> HttpResponse:
    stopped = get_object_or_404(GenerationJob, pk=pk)
    stopped.request_cancel()
    return redirect(stopped)


@require_POST
@may_change
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a failed or cancelled job again, for what it lacks."""
    resumed = get_object_or_404(GenerationJob, pk=pk)
    if not resumed.queue_again():
        messages.info(request, "This job needs no second start.")
    return redirect(resumed)


@require_POST
@may_add
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same once more, with another seed."""
    repeat = get_object_or_404(GenerationJob, pk=pk).again(seed=random_seed())
    repeat.requested_by_id = request.user.pk
    repeat.submit()
    messages.success(request, f"Queued with seed {repeat.seed}.")
    return redirect(repeat)
