"""Training runs: the list, a new one, and one as it learns."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from generation.training import pipeline_folder
from generation.training.exchange.forms import ModelImportForm
from generation.training.forms import MOST_MORE_STEPS, FineTuneForm, LongerForm, TrainingForm
from generation.training.models import Checkpoint, TrainingRun
from generation.training.run_history import Course, loss_curve, time_left
from jobs.how_long.button import is_of_duration, with_duration
from jobs.views import Context, JobPages
from pool.choices import for_person

may_view = permission_required("generation.view_trainingrun", raise_exception=True)
may_add = permission_required("generation.add_trainingrun", raise_exception=True)


class TrainingPages(JobPages[TrainingRun]):
    """The runs, and one as it learns."""

    kind = TrainingRun
    name = "training"
    heads = ("Samples", "Model", "Loss")

    def listed(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        """With the newest checkpoint that has samples to look at."""
        sampled = (
            Checkpoint.objects.filter(run=OuterRef("pk")).exclude(samples="").order_by("-step", "ema_length")
        )
        runs = super().listed(request).select_related("dataset")
        return runs.annotate(sampled_by=Subquery(sampled.values("pk")[:1]))

    def list_context(self, request: HttpRequest) -> Context:
        open_to_join = Checkpoint.objects.joinable_by(request.user)
        return {
            "shipped": Checkpoint.objects.filter(run=None).visible_to(request.user),
            "joinable": [
                (model, reverse("generation:join_model", args=[model.pk])) for model in open_to_join
            ],
        }

    def resumed(self, request: HttpRequest, job: TrainingRun) -> str:
        """Also a run at its end, for as many more steps as are asked for."""
        if job.state != job.State.SUCCEEDED:
            return super().resumed(request, job)
        form = LongerForm(request.POST)
        if not form.is_valid():
            return f"How many more steps? From 1 to {MOST_MORE_STEPS:,}."
        return "" if form.train_longer(job, by=request.user) else "This run is not at its end."

    def context(self, job: TrainingRun) -> Context:
        return {
            "longer": LongerForm(),
            "curve": loss_curve(job),
            "time_left": time_left(job),
            **Course.of(job).as_context(),
        }


@may_add
def train(request: HttpRequest) -> HttpResponse:
    form = for_person(
        TrainingForm(
            request.POST or None,
            request.FILES or None,
            initial={name: request.GET.get(name) for name in ("dataset", "parent")},
        ),
        request.user,
    )
    if is_of_duration(request):
        return render(request, "generation/training_form.html", with_duration(form))
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    return render(
        request, "generation/training_form.html", {"form": form}, status=422 if form.errors else 200
    )


@may_add
def import_model(request: HttpRequest) -> HttpResponse:
    """A model of another site, as a zip."""
    form = ModelImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        checkpoint = form.submit(request.user)
        if checkpoint is not None:
            return redirect(checkpoint)
    return render(request, "generation/model_import.html", {"form": form}, status=422 if form.errors else 200)


@may_add
def finetune(request: HttpRequest) -> HttpResponse:
    """Go on training a Stable Diffusion that lies in the home's models folder."""
    form = for_person(
        FineTuneForm(
            request.POST or None, request.FILES or None, initial={"dataset": request.GET.get("dataset")}
        ),
        request.user,
    )
    is_estimate = is_of_duration(request)
    if not is_estimate and request.method == "POST" and form.is_valid():
        return redirect(form.submit(request.user))
    context = {
        **(with_duration(form) if is_estimate else {"form": form}),
        "pipelines": pipeline_folder.names(),
        "pipelines_folder": pipeline_folder.place(),
    }
    is_refused = bool(form.errors) and not is_estimate
    return render(request, "generation/finetune_form.html", context, status=422 if is_refused else 200)


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


pages = TrainingPages()
