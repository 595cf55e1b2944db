"""Training runs: the list, a new one, and one as it learns."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from generation.training import pipeline_folder
from generation.training.forms import FineTuneForm, TrainingForm
from generation.training.loss_figure import LossCurve
from generation.training.models import Checkpoint, TrainingRun
from generation.training.run_history import Course, time_left
from pool.choices import for_person

PER_PAGE = 30

may_view = permission_required("generation.view_trainingrun", raise_exception=True)
may_add = permission_required("generation.add_trainingrun", raise_exception=True)
may_change = permission_required("generation.change_trainingrun", raise_exception=True)


@require_safe
@may_view
def trainings(request: HttpRequest) -> HttpResponse:
    runs = TrainingRun.objects.visible_to(request.user).select_related("dataset", "requested_by")
    page = Paginator(runs, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "moving": any(run.is_active for run in page),
        "shipped": Checkpoint.objects.filter(run=None),
    }
    template = (
        "generation/_trainings.html" if request.headers.get("HX-Request") else "generation/trainings.html"
    )
    return render(request, template, context)


@may_add
def train(request: HttpRequest) -> HttpResponse:
    form = for_person(
        TrainingForm(
            request.POST or None, request.FILES or None, initial={"dataset": request.GET.get("dataset")}
        ),
        request.user,
    )
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    return render(
        request, "generation/training_form.html", {"form": form}, status=422 if form.errors else 200
    )


@may_add
def finetune(request: HttpRequest) -> HttpResponse:
    """Go on training a Stable Diffusion that lies in the home's models folder."""
    form = for_person(
        FineTuneForm(
            request.POST or None, request.FILES or None, initial={"dataset": request.GET.get("dataset")}
        ),
        request.user,
    )
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    context = {
        "form": form,
        "pipelines": pipeline_folder.names(),
        "pipelines_folder": pipeline_folder.folder(),
    }
    return render(request, "generation/finetune_form.html", context, status=422 if form.errors else 200)


@require_safe
@may_view
def training(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "generation/training.html", _progress(request, pk))


@require_safe
@may_view
def training_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the run's page that moves."""
    context = _progress(request, pk)
    response = render(request, "generation/_training_progress.html", context)
    if not context["run"].is_active:
        response["HX-Refresh"] = "true"
    return response


def _progress(request: HttpRequest, pk: int) -> dict[str, Any]:
    runs = TrainingRun.objects.visible_to(request.user).select_related("dataset", "requested_by")
    run = get_object_or_404(runs, pk=pk)
    return {
        "run": run,
        "curve": LossCurve.of(run.curve),
        "time_left": time_left(run),
        **Course.of(run).as_context(),
    }


@require_safe
@may_view
def config_file(request: HttpRequest, pk: int) -> HttpResponse:
    """All settings of a run as the TOML file that gives them again."""
    run = get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk)
    return HttpResponse(
        run.config_as_toml(),
        content_type="application/toml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="training-{pk}.toml"'},
    )


@require_POST
@may_change
def cancel_training(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(TrainingRun.objects.editable_by(request.user), pk=pk)
    run.request_cancel()
    return redirect(run)


@require_POST
@may_change
def continue_training(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a stopped or failed run again; it goes on from its last checkpoint."""
    run = get_object_or_404(TrainingRun.objects.editable_by(request.user), pk=pk)
    if not run.queue_again():
        messages.info(request, "This run needs no second start.")
    return redirect(run)
