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
from django.views.decorators.http import require_POST

from generation.images.engines.protocol import ImageSpec
from generation.images.forms.by_engine import JOB_FORMS
from generation.images.forms.queue import QueueFilterForm, ResumeForm
from generation.images.models import PREVIEW, GenerationJob
from generation.images.outcomes import GeneratedImage
from generation.images.repeats import MORE, repeat
from generation.images.repeats import more_like as more_of
from generation.training import pipeline_folder
from generation.training.models import Checkpoint
from generation.training.run_history import Row
from jobs.views import Context, JobPages
from jobs.workers.heartbeat import absent_workers
from pool.choices import for_person
from pool.looks import note_look
from pool.models import Dataset, Image
from pool.strips import strip_of

SHOWN = 60
CHECKPOINTS_SHOWN = 100
LOG_LINES = 50
PROMPTS_SHOWN = 8

may_view = permission_required("generation.view_generationjob", raise_exception=True)
may_add = permission_required("generation.add_generationjob", raise_exception=True)


class GenerationPages(JobPages[GenerationJob]):
    """The queue, and one job as it fills the pool."""

    kind = GenerationJob
    name = "job"
    heads = ("Images", "Asked for", "Into")
    seconds = 1

    def listed(self, request: HttpRequest) -> Any:
        jobs = QueueFilterForm(request.GET).filter(self.detailed(request))
        in_reach = Dataset.objects.visible_to(request.user)
        generated = GeneratedImage.objects.filter(outcome="made", image__dataset__in=in_reach).order_by(
            "-index"
        )
        return jobs.annotate(strip=strip_of(generated, "job", key="image"))

    def detailed(self, request: HttpRequest) -> Any:
        return GenerationJob.objects.visible_to(request.user).with_counts()

    def paginator(self, request: HttpRequest) -> Paginator[GenerationJob]:
        pages = super().paginator(request)
        # Counted without the joins that only the shown page needs.
        jobs = GenerationJob.objects.visible_to(request.user)
        vars(pages)["count"] = QueueFilterForm(request.GET).filter(jobs).count()
        return pages

    def list_context(self, request: HttpRequest) -> Context:
        note_look(None, request.user, "generation jobs")
        form = QueueFilterForm(request.GET)
        return {
            "form": form,
            "filtered": form.is_used,
            "absent": absent_workers(GenerationJob.objects.queues_waiting()),
            "paused": GenerationJob.objects.visible_to(request.user).paused().count(),
        }

    def context(self, job: GenerationJob) -> Context:
        return progress_of(job)

    def resumed(self, request: HttpRequest, job: GenerationJob) -> str:
        """Also after a preview for all the rest; with a new cap, if given."""
        form = ResumeForm(request.POST)
        if not form.is_valid():
            return "The cap is an amount in US dollars, like 12.50."
        return "" if form.resume(job, by=request.user) else "This job needs no second start."


@may_add
def create(request: HttpRequest, engine: str = GenerationJob.Engine.DIFFUSION) -> HttpResponse:
    form = for_person(
        JOB_FORMS[engine](
            request.POST or None, request.FILES or None, initial={"checkpoint": request.GET.get("checkpoint")}
        ),
        request.user,
        changes=["dataset"],
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
        "pipelines_folder": pipeline_folder.place(),
        "preview": PREVIEW,
        "rows": _checkpoint_rows(request) if engine == GenerationJob.Engine.DIFFUSION else [],
    }
    return render(request, "generation/job_form.html", context, status=422 if form.errors else 200)


def _checkpoint_rows(request: HttpRequest) -> list[Row]:
    """The checkpoints to choose from, with what there is to look at before one does, the newest first."""
    rows = Checkpoint.objects.that_sample().visible_to(request.user).select_related("run")
    return [Row.of(checkpoint) for checkpoint in rows[:CHECKPOINTS_SHOWN] if checkpoint.is_readable]


def progress_of(job: GenerationJob) -> Context:
    """What the job's page shows of its progress."""
    outcomes = job.outcomes.with_image().order_by("-index")
    without_image = job.outcomes.exclude(outcome="made").values("outcome", "reason")
    earlier = job.earlier_outcomes.order_by().values("outcome", "reason")
    pace = job.images_per_second
    return {
        "made": list(outcomes[:SHOWN]),
        "seconds_left": None if job.seconds_left is None else round(job.seconds_left),
        "pace": pace,
        "missed": without_image.annotate(number=Count("pk")).order_by("-number"),
        "tried_again": earlier.annotate(number=Count("pk")).order_by("-number"),
        "events": list(job.events.select_related("by").order_by("-pk")[:LOG_LINES]),
        "to_review": job.outcomes.unreviewed().count(),
        "left": job.total - job.done,
        "near_copies": Image.objects.held_back().filter(generated__job=job).count(),
        "rest": (job.full_total or job.total) - job.total,
        "prompts": [_in_words(ImageSpec(**spec)) for spec in job.image_specs[:PROMPTS_SHOWN]],
        "more_prompts": max(0, len(job.image_specs) - PROMPTS_SHOWN),
        "settings": {
            name.replace("_", " "): value for name, value in job.settings.items() if name != "priced_by"
        },
    }


def _in_words(spec: ImageSpec) -> str:
    attributes = [f"{name} {value}" for name, value in spec.attributes.items()]
    return ", ".join(filter(None, [spec.prompt or spec.label, *attributes]))


@require_POST
@may_add
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """The same once more, with another seed."""
    job = repeat(get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk), by=request.user)
    messages.success(request, f"Queued with seed {job.seed}.")
    return redirect(job)


@require_POST
@may_add
def more_like(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A few more images of one image's model, prompt, finding and settings, with another seed."""
    liked = get_object_or_404(
        GeneratedImage.objects.select_related("job", "image"),
        image=pk,
        job__in=GenerationJob.objects.editable_by(request.user),
    )
    job = more_of(liked, by=request.user)
    messages.success(request, f"{MORE} more like image {liked.index} are queued.")
    return redirect(job)


pages = GenerationPages()
