"""Datasets and images for programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from ninja.responses import Status

from accounts.api.access import Access, proof_for_act
from accounts.api.filling import body_of, filled
from accounts.api.headers import ACT, ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.api.types import Key
from accounts.forms import ConfirmForm, ReasonForm
from accounts.membership.forms import MemberForm
from accounts.membership.joining import join
from accounts.tokens.models import Scope
from audit import record
from pool.canonical.previews import image_png
from pool.dataset_removal import StillNeededError, remove
from pool.imports.forms import DatasetForm, ExcludeForm, FilterForm
from pool.looks import note_look
from pool.models import Dataset, Image, Modality, Origin

if TYPE_CHECKING:
    DatasetBody = Schema
    Confirmation = Schema
    Filter = Schema
    Member = Schema
    Reason = Schema
    WhyJoin = Schema
else:
    DatasetBody = body_of(DatasetForm, "Dataset")
    Confirmation = body_of(ConfirmForm, "Confirmation")
    Filter = body_of(FilterForm, "Filter")
    Member = body_of(MemberForm, "Member")
    Reason = body_of(ExcludeForm, "Reason")
    WhyJoin = body_of(ReasonForm, "WhyJoin")

datasets = Router(tags=["Datasets"])
images = Router(tags=["Images"])
views = Access(Scope.READ, "pool.view_image")
changes = Access(Scope.WRITE, "pool.change_image")
PNG = {"responses": {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}}


class DatasetFacts(Schema):
    id: int
    name: str
    origin: Origin
    modality: Modality
    description: str
    licence: str
    citation: str
    window: str
    image_count: int
    excluded_count: int
    created_at: datetime


class ImageFacts(Schema):
    id: UUID
    dataset_id: int
    origin: Origin
    modality: Modality
    label: str
    split: str
    width: int
    height: int
    bits: int
    slices: int
    source_name: str
    source_sha256: str
    pixel_sha256: str
    provenance: dict[str, object]
    notes: list[Any]
    excluded_reason: str
    created_at: datetime


class MemberFacts(Schema):
    sentence: str


def _counted(request: HttpRequest) -> Any:
    return Dataset.objects.counted().visible_to(request.user)


@datasets.get("/datasets", response=list[DatasetFacts], auth=views)
@paged
def list_datasets(request: HttpRequest) -> Any:
    note_look(None, request.user, "datasets")
    return _counted(request)


@datasets.post(
    "/datasets",
    response={201: DatasetFacts},
    auth=Access(Scope.WRITE, "pool.add_image"),
    openapi_extra=ONCE,
)
@once(DatasetFacts)
def create_dataset(request: HttpRequest, body: DatasetBody) -> Any:
    """An empty dataset, yours; send its images next."""
    dataset = filled(DatasetForm, body.model_dump(exclude_unset=True)).save_by(request.user)
    return _counted(request).get(pk=dataset.pk)


@datasets.get("/datasets/{pk}", response=DatasetFacts, auth=views)
def get_dataset(request: HttpRequest, pk: Key) -> Any:
    return get_object_or_404(_counted(request), pk=pk)


@datasets.post("/datasets/{pk}/remove", response={204: None}, auth=Access(Scope.WRITE, "pool.delete_dataset"))
def remove_dataset(request: HttpRequest, pk: Key, body: Confirmation) -> Any:
    """With its images, where nothing needs them; `confirm` is its name."""
    dataset = get_object_or_404(Dataset.objects.counted().owned_by(request.user), pk=pk)
    filled(ConfirmForm, body.model_dump(exclude_unset=True), name=dataset.name)
    try:
        remove(dataset, by=request.user)
    except StillNeededError as reason:
        raise ProblemError(409, str(reason)) from reason
    return Status(204, None)


@datasets.post("/datasets/{pk}/members", response=MemberFacts, auth=changes, openapi_extra=ACT)
def change_dataset_member(request: HttpRequest, pk: Key, body: Member) -> Any:
    """Give a person, a group or all researchers a part, by an act token; an empty part takes it away."""
    dataset = get_object_or_404(Dataset.objects.owned_by(request.user), pk=pk)
    proof_for_act(request)
    sentence = filled(
        MemberForm, body.model_dump(exclude_unset=True), subject=dataset, by=request.user
    ).save()
    record(dataset, request.user, "changed the members", reason=sentence)
    return {"sentence": sentence}


@datasets.post(
    "/datasets/{pk}/join",
    response=DatasetFacts,
    auth=Access(Scope.WRITE, "accounts.change_user"),
    openapi_extra=ACT,
)
def join_dataset(request: HttpRequest, pk: Key, body: WhyJoin) -> Any:
    """For admins, by an act token: become an owner; log and mail tell the other owners, with your reason."""
    dataset = get_object_or_404(Dataset, pk=pk)
    proof_for_act(request)
    join(
        dataset, request.user, filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    )
    return _counted(request).get(pk=pk)


@images.get("/images", response=list[ImageFacts], auth=views)
@paged
def list_images(request: HttpRequest, chosen: Query[Filter]) -> Any:
    note_look(None, request.user, "gallery")
    form = filled(FilterForm, chosen.model_dump(exclude_unset=True), person=request.user)
    return Image.objects.visible_to(request.user).matching(**form.cleaned_data)


@images.get("/images/{pk}", response=ImageFacts, auth=views)
def get_image(request: HttpRequest, pk: UUID) -> Any:
    image = get_object_or_404(Image.objects.visible_to(request.user), pk=pk)
    note_look(image, request.user, "image")
    return image


@images.get("/images/{pk}/file", auth=views, openapi_extra=PNG)
def get_image_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Its pixels as a PNG."""
    image = get_object_or_404(Image.objects.visible_to(request.user), pk=pk)
    return HttpResponse(image_png(image), content_type="image/png")


@images.post("/images/{pk}/exclude", response=ImageFacts, auth=changes)
def exclude_image(request: HttpRequest, pk: UUID, body: Reason) -> Any:
    """Leave it out of new studies and training; it stays where it is."""
    image = get_object_or_404(Image.objects.editable_by(request.user), pk=pk)
    image.exclude(
        filled(ExcludeForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"], by=request.user
    )
    return image


@images.post("/images/{pk}/include", response=ImageFacts, auth=changes)
def include_image(request: HttpRequest, pk: UUID) -> Any:
    """Take an exclusion back."""
    image = get_object_or_404(Image.objects.editable_by(request.user), pk=pk)
    image.include(by=request.user)
    return image
