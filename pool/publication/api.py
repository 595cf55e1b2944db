"""Releasing a dataset, for programs: a job, and the zip that it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.problems import ProblemError
from accounts.api.types import Key
from accounts.tokens.models import Scope
from jobs.api import JobFacts, add_job_operations
from pool.models import Dataset
from pool.publication import views
from pool.publication.forms import ReleaseForm
from pool.publication.rules import holds_stacks

if TYPE_CHECKING:
    ReleaseBody = Schema
else:
    ReleaseBody = body_of(ReleaseForm, "Release")

router = Router(tags=["Datasets"])
exports = Access(Scope.EXPORT, "pool.change_image")
ZIP = {
    "responses": {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
}
CROISSANT = {
    "responses": {200: {"content": {views.CROISSANT: {"schema": {"type": "string", "format": "binary"}}}}}
}


class ReleaseFacts(JobFacts):
    """How far a release is; of one that is there its size and SHA-256, and the marks on each synthetic file."""

    dataset_id: int
    image_format: str
    file_bytes: int | None
    sha256: str
    marks: str


@router.post("/datasets/{pk}/releases", response={202: ReleaseFacts}, auth=exports, openapi_extra=ONCE)
@once(ReleaseFacts, 202)
def create_release(request: HttpRequest, pk: Key, body: ReleaseBody) -> Any:
    """Make the zip that may be given to others: images with marks, metadata, datasheet, Croissant, citation files."""
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    values = {
        "image_format": "dicom" if holds_stacks(dataset) else "png",
        **body.model_dump(exclude_unset=True),
    }
    return filled(ReleaseForm, values, dataset=dataset).submit(by=request.user)


@router.get("/releases/{pk}/file", auth=exports, openapi_extra=ZIP)
def get_release_file(request: HttpRequest, pk: Key) -> HttpResponseBase:
    """The zip, once its job has succeeded and as long as it lies there (a week)."""
    job = views.fetchable(request, pk)
    if not job.file:
        raise ProblemError(409, views.DROPPED if job.is_dropped else views.NOT_YET)
    return views.zip_response(request, job)


@router.get("/releases/{pk}/croissant", auth=exports, openapi_extra=CROISSANT)
def get_release_croissant(request: HttpRequest, pk: Key) -> HttpResponse:
    """Croissant to lie beside the zip: table and images bound to it by its SHA-256, which no file inside can name."""
    job = views.fetchable(request, pk)
    if reason := views.why_no_croissant(job):
        raise ProblemError(409, reason)
    return views.croissant_response(job)


add_job_operations(router, views.pages, ReleaseFacts, at="/releases", one="release", many="releases")
