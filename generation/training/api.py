"""Training runs and fine-tunings for programs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from accounts.api.access import Access
from accounts.api.filling import body_of
from accounts.api.problems import ProblemError
from accounts.api.types import Key
from accounts.tokens.models import Scope
from generation.training.checkpoint_api import CheckpointFacts
from generation.training.forms import FineTuneForm, LongerForm, TrainingForm
from generation.training.models import TrainingRun
from generation.training.views import pages
from jobs.api import JobFacts, add_create, add_estimate, add_job_operations, reread
from jobs.how_long.estimate import Estimate
from pool.filling import filled_by

router = Router(tags=["Training runs"])
AT = "/training-runs"
ADD = "generation.add_trainingrun"
TrainingBody, FineTuningBody = body_of(TrainingForm, "Training"), body_of(FineTuneForm, "FineTuning")
LongerBody = body_of(LongerForm, "TrainingLonger")


class TrainingFacts(JobFacts):
    """`conditions` say what the model is told of each image beside its finding, and of how many images that is unknown."""

    name: str
    dataset_id: int
    config: dict[str, object]
    conditions: list[str]


def estimate_training(request: HttpRequest, body: Any) -> Estimate:
    """About how long such a training takes by the runs of this site; nothing is queued."""
    return filled_by(request.user, TrainingForm, body).estimate()


def estimate_fine_tuning(request: HttpRequest, body: Any) -> Estimate:
    """About how long such a fine-tuning takes by the runs of this site; nothing is queued."""
    return filled_by(request.user, FineTuneForm, body).estimate()


add_estimate(router, estimate_training, TrainingBody, at=AT, name="estimate_training_run", permission=ADD)
add_estimate(
    router,
    estimate_fine_tuning,
    FineTuningBody,
    at="/fine-tunings",
    name="estimate_fine_tuning",
    permission=ADD,
)
# After these: an address of a run is a wider pattern.
add_job_operations(router, pages, TrainingFacts, at=AT, one="training_run", many="training_runs")


def train(request: HttpRequest, body: Any) -> TrainingRun:
    """Train a model of our own on a dataset."""
    return filled_by(request.user, TrainingForm, body).submit(request.user)


def fine_tune(request: HttpRequest, body: Any) -> TrainingRun:
    """Go on training a Stable Diffusion that lies in the home's models folder."""
    return filled_by(request.user, FineTuneForm, body).submit(request.user)


@router.post(
    f"{AT}/{{pk}}/longer",
    response=TrainingFacts,
    auth=Access(Scope.WRITE, "generation.change_trainingrun"),
)
def train_longer(request: HttpRequest, pk: Key, body: LongerBody) -> Any:  # type: ignore[valid-type]  # made of the form
    """Let a run that reached its end go on for so many more steps."""
    run = pages.editable(request, pk)
    if not filled_by(request.user, LongerForm, body).train_longer(run, by=request.user):
        raise ProblemError(409, "This run is not at its end.")
    return reread(run)


add_create(
    router,
    train,
    TrainingBody,
    TrainingFacts,
    at=AT,
    name="create_training_run",
    permission=ADD,
)
add_create(
    router,
    fine_tune,
    FineTuningBody,
    TrainingFacts,
    at="/fine-tunings",
    name="create_fine_tuning",
    permission=ADD,
)


@router.get(
    f"{AT}/{{pk}}/checkpoints",
    response=list[CheckpointFacts],
    auth=Access(Scope.READ, "generation.view_trainingrun"),
)
def list_checkpoints(request: HttpRequest, pk: Key) -> Any:
    """What a run has stored so far, first to last, each with its measured numbers."""
    return get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk).checkpoints.order_by(
        "step", "ema_length"
    )


@router.get(
    f"{AT}/{{pk}}/config.toml",
    auth=Access(Scope.READ, "generation.view_trainingrun"),
    openapi_extra={"responses": {200: {"content": {"application/toml": {"schema": {"type": "string"}}}}}},
)
def get_training_config(request: HttpRequest, pk: Key) -> HttpResponse:
    """All settings of a run as the TOML file that gives them again."""
    run = get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk)
    return HttpResponse(run.config_as_toml(), content_type="application/toml; charset=utf-8")
