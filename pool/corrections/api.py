"""Mending what is said of datasets and images, for programs: what stood there before, and the way back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.types import Key
from accounts.tokens.models import Scope
from audit.models import Event
from pool.corrections.correcting import take_back
from pool.corrections.forms import CHANGED, CorrectionForm, DatasetFactsForm
from pool.corrections.models import CorrectedImage
from pool.imports.forms import FilterForm
from pool.models import Correction, Dataset, Image
from pool.views.api import DatasetFacts
from pool.views.api import datasets as datasets_router

MOST_IMAGES = 1000  # named in one request; a filter takes any number

if TYPE_CHECKING:
    DatasetChange = Schema
    Filter = Schema
    Mending = Schema
else:
    DatasetChange = body_of(DatasetFactsForm, "DatasetChange")
    Filter = body_of(FilterForm, "Filter")
    Chosen = Annotated[list[UUID], Field(max_length=MOST_IMAGES)]
    Mending = body_of(CorrectionForm, "Correction", without=("images",), images=(Chosen | None, None))

router = Router(tags=["Corrections"])
reads = Access(Scope.READ, "pool.change_image")
changes = Access(Scope.WRITE, "pool.change_image")


class Change(Schema):
    before: str
    after: str


class DatasetEventFacts(Schema):
    """One edit of a dataset: by field what stood there before and after."""

    at: datetime
    who: str
    changes: dict[str, Change]

    @staticmethod
    def resolve_changes(event: Event) -> Any:
        return event.detail


class CorrectionFacts(Schema):
    """One value given to a field of many images; `images` counts those of datasets that you may change."""

    id: int
    field: Literal["label", "split"]
    value: str
    reason: str
    corrected_by: str
    corrected_at: datetime
    taken_back_by: str | None
    taken_back_at: datetime | None
    images: int

    @staticmethod
    def resolve_corrected_by(correction: Correction) -> str:
        return str(correction.corrected_by)

    @staticmethod
    def resolve_taken_back_by(correction: Correction) -> str | None:
        return str(correction.taken_back_by) if correction.taken_back_by else None


class CorrectedImageFacts(Schema):
    image_id: UUID
    before: str


class CorrectedFacts(Schema):
    """What the page would say; `correction` is null where nothing was to be changed."""

    sentence: str
    changed: int
    unchanged: int
    fixed: int
    correction: CorrectionFacts | None


class TakenBackFacts(Schema):
    restored: int
    correction: CorrectionFacts


@datasets_router.patch("/datasets/{pk}", response=DatasetFacts, auth=changes)
def change_dataset(request: HttpRequest, pk: Key, body: DatasetChange) -> Any:
    """Change what is named of what is said of it; its log keeps what stood there before."""
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    form = filled(DatasetFactsForm, body.model_dump(exclude_unset=True), instance=dataset)
    form.save_facts(by=request.user)
    return Dataset.objects.counted().get(pk=pk)


@router.get("/datasets/{pk}/history", response=list[DatasetEventFacts], auth=reads)
@paged
def list_dataset_history(request: HttpRequest, pk: Key) -> Any:
    """What was said of it before it was changed."""
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    return Event.objects.about(dataset).filter(action=CHANGED)


@router.post("/corrections", response={201: CorrectedFacts}, auth=changes, openapi_extra=ONCE)
@once(CorrectedFacts)
def correct_images(request: HttpRequest, body: Mending, chosen: Query[Filter]) -> Any:
    """One value for the images named, or with `scope` “all” for every one that the query's filter lists.

    Images that a study which is frozen or further shows stay as they are.
    """
    listed = filled(FilterForm, chosen.model_dump(exclude_unset=True), person=request.user).images()
    values = body.model_dump(exclude_unset=True)
    corrected = filled(CorrectionForm, values, listed=listed, by=request.user).submit()
    correction = corrected.correction
    return {
        "sentence": corrected.in_words,
        "changed": corrected.changed,
        "unchanged": corrected.unchanged,
        "fixed": corrected.fixed,
        "correction": None if correction is None else _editable(request, correction.pk),
    }


@router.get("/corrections", response=list[CorrectionFacts], auth=reads)
@paged
def list_corrections(request: HttpRequest) -> Any:
    return _rows(request)


@router.get("/corrections/{pk}", response=CorrectionFacts, auth=reads)
def get_correction(request: HttpRequest, pk: Key) -> Any:
    return _editable(request, pk)


@router.get("/corrections/{pk}/images", response=list[CorrectedImageFacts], auth=reads)
@paged
def list_corrected_images(request: HttpRequest, pk: Key) -> Any:
    """What each image said before."""
    images = Image.objects.editable_by(request.user)
    return CorrectedImage.objects.filter(correction=_editable(request, pk), image__in=images)


@router.post("/corrections/{pk}/take-back", response=TakenBackFacts, auth=changes)
def take_back_correction(request: HttpRequest, pk: Key) -> Any:
    """Let the images that still say what it gave them say again what they said before."""
    restored = take_back(_editable(request, pk), by=request.user)
    return {"restored": restored, "correction": _editable(request, pk)}


def _rows(request: HttpRequest) -> Any:
    of_mine = Q(corrected_images__image__in=Image.objects.editable_by(request.user))
    rows = Correction.objects.editable_by(request.user).select_related("corrected_by", "taken_back_by")
    return rows.annotate(images=Count("corrected_images", filter=of_mine))


def _editable(request: HttpRequest, pk: int) -> Correction:
    correction: Correction = get_object_or_404(_rows(request), pk=pk)
    return correction
