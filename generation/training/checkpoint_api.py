"""Checkpoints for programs: listed, named, taken out as a pipeline's folder, and brought in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.datastructures import MultiValueDict
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from ninja.responses import Status

from accounts.api.access import Access, proof_for_act
from accounts.api.filling import body_of, filled
from accounts.api.headers import ACT, ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.problems import ProblemError, not_valid
from accounts.api.types import Key, typed_result
from accounts.forms import ReasonForm
from accounts.membership.forms import MemberForm
from accounts.membership.joining import join
from accounts.tokens.models import Scope
from audit import record
from generation.diffusion.errors import CheckpointError
from generation.training.checkpoint_views import zip_response
from generation.training.exchange.forms import ModelImportForm
from generation.training.exchange.removal import remove_for
from generation.training.forms import NameForm
from generation.training.model_card import markdown
from generation.training.models import Checkpoint

if TYPE_CHECKING:
    Member = Schema
    ModelName = Schema
    NewModel = Schema
    WhyJoin = Schema
    WhyRemove = Schema
else:
    Member = body_of(MemberForm, "ModelMember")
    WhyJoin = body_of(ReasonForm, "WhyJoin")
    WhyRemove = body_of(ReasonForm, "WhyRemove")
    ModelName = body_of(NameForm, "ModelName")
    NewModel = body_of(ModelImportForm, "NewModel", without=("file",))

router = Router(tags=["Checkpoints"])
AT = "/checkpoints"
views = Access(Scope.READ, "generation.view_trainingrun")
changes = Access(Scope.WRITE, "generation.change_trainingrun")


def _file(kind: str) -> dict[str, object]:
    schema = {"type": "string", "format": "binary"}
    return {"responses": {200: {"content": {kind: {"schema": schema}}}}}


class CheckpointFacts(Schema):
    """`run_id` is null of a model that came without a run: with LungRater, or from another site.

    `ema_length` is σ_rel of an average that was chosen after training, else 0.
    """

    id: int
    name: str
    run_id: int | None
    step: int
    ema_length: float
    sha256: str
    metrics: Annotated[dict[str, object], typed_result("MetricsJSON")]
    created_at: datetime


class ModelMemberFacts(Schema):
    sentence: str


@router.get(AT, response=list[CheckpointFacts], auth=views)
@paged
def list_models(request: HttpRequest) -> Any:
    """Every checkpoint that images can be made of: of runs that you see, and those that came without one."""
    return Checkpoint.objects.visible_to(request.user)


@router.post(
    AT,
    response={201: CheckpointFacts},
    auth=Access(Scope.WRITE, "generation.add_trainingrun"),
    openapi_extra=ONCE,
)
@once(CheckpointFacts)
def import_model(request: HttpRequest, fields: Form[NewModel], file: File[UploadedFile]) -> Any:
    """Bring in a model that LungRater exported, here or elsewhere, as a zip; no code of it is run."""
    files: Any = MultiValueDict({"file": [file]})
    form = filled(ModelImportForm, fields.model_dump(exclude_unset=True), files)
    checkpoint = form.submit(request.user)
    if checkpoint is None:
        raise not_valid(form)
    return checkpoint


@router.get(f"{AT}/{{pk}}", response=CheckpointFacts, auth=views)
def get_checkpoint(request: HttpRequest, pk: Key) -> Any:
    return _visible(request, pk)


@router.post(
    f"{AT}/{{pk}}/name",
    response=CheckpointFacts,
    auth=changes,
)
def rename_checkpoint(request: HttpRequest, pk: Key, body: ModelName) -> Any:
    """Give it a name of its own."""
    row = get_object_or_404(Checkpoint.objects.editable_by(request.user), pk=pk)
    filled(NameForm, body.model_dump(exclude_unset=True)).rename(row, by=request.user)
    return _visible(request, pk)


@router.post(f"{AT}/{{pk}}/members", response=ModelMemberFacts, auth=changes, openapi_extra=ACT)
def change_model_member(request: HttpRequest, pk: Key, body: Member) -> Any:
    """Of a model that came without a run: give a part, by an act token; an empty part takes it away."""
    model = get_object_or_404(Checkpoint.objects.filter(run=None).owned_by(request.user), pk=pk)
    proof_for_act(request)
    values = body.model_dump(exclude_unset=True)
    sentence = filled(MemberForm, values, subject=model, by=request.user).save()
    record(model, request.user, "changed the members", reason=sentence)
    return {"sentence": sentence}


@router.post(
    f"{AT}/{{pk}}/join",
    response=CheckpointFacts,
    auth=Access(Scope.WRITE, "accounts.change_user"),
    openapi_extra=ACT,
)
def join_model(request: HttpRequest, pk: Key, body: WhyJoin) -> Any:
    """For admins, by an act token: become an owner of a model that came without a run, also of one that nobody owns
    any more; log and mail tell the other owners, with your reason."""
    model = get_object_or_404(Checkpoint.objects.filter(run=None), pk=pk)
    proof_for_act(request)
    reason = filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    join(model, request.user, reason)
    return _visible(request, pk)


@router.post(f"{AT}/{{pk}}/remove", response={204: None}, auth=changes)
def remove_model(request: HttpRequest, pk: Key, body: WhyRemove) -> Any:
    """Its row and weights go, with a reason; what images or models rest on stays."""
    model = get_object_or_404(Checkpoint.objects.owned_by(request.user), pk=pk)
    reason = filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    try:
        remove_for(model, by=request.user, reason=reason)
    except CheckpointError as error:
        raise ProblemError(409, str(error)) from error
    return Status(204, None)


@router.get(f"{AT}/{{pk}}/card.md", auth=views, openapi_extra=_file("text/markdown"))
def get_model_card(request: HttpRequest, pk: Key) -> HttpResponse:
    return HttpResponse(markdown(_visible(request, pk)), content_type="text/markdown; charset=utf-8")


@router.get(f"{AT}/{{pk}}/pipeline.zip", auth=views, openapi_extra=_file("application/zip"))
def get_pipeline(request: HttpRequest, pk: Key) -> HttpResponseBase:
    """The model as a diffusers pipeline folder in a zip; 409 with the reason where that cannot be."""
    try:
        return zip_response(_visible(request, pk))
    except CheckpointError as error:
        raise ProblemError(409, str(error)) from error


def _visible(request: HttpRequest, pk: int) -> Checkpoint:
    rows = Checkpoint.objects.visible_to(request.user).select_related("run__dataset")
    checkpoint: Checkpoint = get_object_or_404(rows, pk=pk)
    return checkpoint
