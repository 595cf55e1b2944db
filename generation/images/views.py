"""The queue, a new job, and one job as it fills the pool."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from generation.images.forms.base import random_seed
from generation.images.forms.by_engine import JOB_FORMS
from generation.images.forms.queue import GoOnForm, QueueFilterForm
from generation.images.models import PREVIEW, GenerationJob
from generation.images.outcomes import GeneratedImage
from generation.images.worker_heartbeat import absent_workers, why_waiting
from generation.training import pipeline_folder
from generation.training.models import Checkpoint
from pool.choices import for_person

PER_PAGE = 30
SHOWN = 60
LOG_LINES = 50
WISHES_SHOWN = 8
MORE = 8

may_view = permission_required("generation.view_generationjob", raise_exception=True)
may_add = permission_required("generation.add_generationjob", raise_exception=True)
may_change = permission_required("generation.change_generationjob", raise_exception=True)


@require_safe
@may_view
def jobs(request: HttpRequest) -> HttpResponse:
    """All jobs, newest first; asked by htmx, the table alone."""
    form = QueueFilterForm(request.GET)
    paginator = Paginator(form.filter(GenerationJob.objects.visible_to(request.user).with_counts()), PER_PAGE)
    # Counted without the joins that only the shown page needs.
    vars(paginator)["count"] = form.filter(GenerationJob.objects.visible_to(request.user)).count()
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "form": form,
        "filtered": form.is_used,
        "moving": any(job.is_active for job in page),
        "absent": absent_workers(),
        "paused": GenerationJob.objects.visible_to(request.user).paused().count(),
    }
    template = "generation/_jobs.html" if request.headers.get("HX-Request") else "generation/jobs.html"
    return render(request, template, context)


@may_add
def create(request: HttpRequest, engine: str = GenerationJob.Engine.DIFFUSION) -> HttpResponse:
    form = for_person(
        JOB_FORMS[engine](request.POST or None, request.FILES or None), request.user, changes=["dataset"]
    )
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    context = {
        "form": form,
        "engine": engine,
        "engines": GenerationJob.Engine.choices,
        "no_model": engine == GenerationJob.Engine.DIFFUSION
        and not Checkpoint.objects.that_sample().exists(),
        "no_pipeline": engine == GenerationJob.Engine.PIPELINE and not pipeline_folder.names(),
        "pipelines_folder": pipeline_folder.folder(),
        "preview": PREVIEW,
    }
    return render(request, "generation/job_form.html", context, status=422 if form.errors else 200)


@require_safe
@may_view
def job(request: HttpRequest, pk: int) -> HttpResponse:
    counted_job = _counted(request, pk)
    return render(request, "generation/job.html", progress_of(counted_job))


@require_safe
@may_view
def job_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the job's page that moves."""
    counted_job = _counted(request, pk)
    response = render(request, "generation/_job_progress.html", progress_of(counted_job))
    if not counted_job.is_active:
        response["HX-Refresh"] = "true"
    return response


def _counted(request: HttpRequest, pk: int) -> GenerationJob:
    return get_object_or_404(GenerationJob.objects.visible_to(request.user).with_counts(), pk=pk)


def progress_of(job: GenerationJob) -> dict[str, Any]:
    """What the job's page shows of its progress."""
    outcomes = job.outcomes.with_image().order_by("-index")
    without_image = job.outcomes.exclude(outcome="made").values("outcome", "reason")
    earlier = job.earlier_outcomes.order_by().values("outcome", "reason")
    pace = job.images_per_second
    return {
        "job": job,
        "made": list(outcomes[:SHOWN]),
        "seconds_left": None if job.seconds_left is None else round(job.seconds_left),
        "pace": pace,
        "missed": without_image.annotate(number=Count("pk")).order_by("-number"),
        "tried_again": earlier.annotate(number=Count("pk")).order_by("-number"),
        "events": list(job.events.select_related("by").order_by("-pk")[:LOG_LINES]),
        "to_review": job.outcomes.unreviewed().count(),
        "why_waiting": why_waiting(job.queue) if job.state == job.State.QUEUED else "",
        "left": job.total - job.done,
        "rest": (job.full_total or job.total) - job.total,
        "prompts": [wish["prompt"] or wish["label"] for wish in job.wishes[:WISHES_SHOWN]],
        "more_prompts": max(0, len(job.wishes) - WISHES_SHOWN),
    }


@require_POST
@may_change
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    stopped = get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk)
    stopped.request_cancel(by=request.user)
    return redirect(stopped)


@require_POST
@may_change
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue an ended job again for what it lacks, or after a preview for all the rest; with a new cap, if given."""
    resumed = get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk)
    form = GoOnForm(request.POST)
    if not form.is_valid():
        messages.error(request, "The cap is an amount in US dollars, like 12.50.")
    elif not form.let_go_on(resumed, by=request.user):
        messages.info(request, "This job needs no second start.")
    return redirect(resumed)


@require_POST
@may_add
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same once more, with another seed."""
    repeat = get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk).again(
        seed=random_seed(), requested_by_id=request.user.pk
    )
    repeat.submit()
    messages.success(request, f"Queued with seed {repeat.seed}.")
    return redirect(repeat)


@require_POST
@may_add
def more_like(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A few more images of one image's model, prompt, finding and settings, with another seed."""
    liked = get_object_or_404(
        GeneratedImage.objects.select_related("job", "image"),
        image=pk,
        job__in=GenerationJob.objects.editable_by(request.user),
    )
    finding = liked.image.label if liked.image else liked.job.label
    more = liked.job.again(
        seed=random_seed(),
        requested_by_id=request.user.pk,
        total=MORE,
        wishes=[],
        label=finding,
        prompt=liked.prompt or liked.job.prompt,
    )
    more.submit()
    messages.success(request, f"{MORE} more like image {liked.index} are queued.")
    return redirect(more)
