"""DICOMweb sources for programs: listed, searched, imported from; made and removed by admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from ninja.responses import Status

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.api.types import Key
from accounts.forms import ConfirmForm
from accounts.tokens.models import Scope
from outbound.dicomweb import DicomwebError
from pool.dicomweb.forms import QueryForm, SeriesImportForm, SourceForm
from pool.dicomweb.search import matching_series
from pool.imports.api import ImportFacts
from pool.models import Dataset, DicomwebSource

OF_THE_DATASET = ("dataset", "name", "origin", "modality", "window", "licence", "citation")

if TYPE_CHECKING:
    Source = Schema
    Query = Schema
    Choice = Schema
    Confirmation = Schema
else:
    Source = body_of(SourceForm, "DicomwebSource")
    Query = body_of(QueryForm, "SeriesQuery", without=("source",))
    Choice = body_of(SeriesImportForm, "SeriesChoice", without=(*OF_THE_DATASET, "source"))
    Confirmation = body_of(ConfirmForm, "SourceConfirmation")

router = Router(tags=["Images"])
may_add = Access(Scope.WRITE, "pool.add_image")
may_administer = Access(Scope.WRITE, "pool.change_dicomwebsource")


class SourceFacts(Schema):
    """A source, without what it lets this site in by."""

    id: int
    name: str
    base_url: str
    authentication: str
    in_private_network: bool


class SeriesFacts(Schema):
    study: str
    series: str
    modality: str
    description: str
    body_part: str
    date: str
    number: str
    instances: int | None


@router.get("/dicomweb-sources", response=list[SourceFacts], auth=Access(Scope.READ, "pool.add_image"))
@paged
def list_dicomweb_sources(request: HttpRequest) -> Any:
    return DicomwebSource.objects.all()


@router.post("/dicomweb-sources", response={201: SourceFacts}, auth=may_administer, openapi_extra=ONCE)
@once(SourceFacts)
def create_dicomweb_source(request: HttpRequest, body: Source) -> Any:
    """For admins: a server that people may import from. Its password is kept sealed and never told again."""
    return filled(SourceForm, body.model_dump(exclude_unset=True)).save_by(request.user)


@router.patch("/dicomweb-sources/{pk}", response=SourceFacts, auth=may_administer)
def change_dicomweb_source(request: HttpRequest, pk: Key, body: Source) -> Any:
    """For admins; what is left out stays, the password too where the server stays the same."""
    source = get_object_or_404(DicomwebSource, pk=pk)
    return filled(SourceForm, body.model_dump(exclude_unset=True), instance=source).save_by(request.user)


@router.post("/dicomweb-sources/{pk}/remove", response={204: None}, auth=may_administer)
def remove_dicomweb_source(request: HttpRequest, pk: Key, body: Confirmation) -> Any:
    """For admins; `confirm` is its name. What was imported from it stays."""
    source = get_object_or_404(DicomwebSource, pk=pk)
    filled(ConfirmForm, body.model_dump(exclude_unset=True), name=source.name)
    source.remove(by=request.user)
    return Status(204, None)


@router.post("/dicomweb-sources/{pk}/search", response=list[SeriesFacts], auth=may_add)
def search_dicomweb_source(request: HttpRequest, pk: Key, body: Query) -> Any:
    """Its series that match, a thousand at most; nothing of the search or the answer is kept."""
    source = get_object_or_404(DicomwebSource, pk=pk)
    form = filled(QueryForm, {**body.model_dump(exclude_unset=True), "source": source.pk})
    try:
        return matching_series(source, form.query)
    except DicomwebError as error:
        raise ProblemError(409, str(error)) from error  # of this source, not of this site


@router.post(
    "/datasets/{pk}/dicomweb-imports/{source}",
    response={202: ImportFacts},
    auth=may_add,
    openapi_extra=ONCE,
)
@once(ImportFacts, 202)
def import_dicomweb_series(request: HttpRequest, pk: Key, source: Key, body: Choice) -> Any:
    """Fetch series of a source into the dataset; each of `chosen_series` is “STUDY SERIES” by their identifiers."""
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    values = {**body.model_dump(exclude_unset=True), "dataset": dataset.pk, "source": source}
    return filled(SeriesImportForm, values, person=request.user).submit(by=request.user)
