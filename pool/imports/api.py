"""Files on their way into a dataset, for programs: sent in any number of requests, none of them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.datastructures import MultiValueDict
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.types import Key, Sha256
from accounts.tokens.models import Scope
from jobs.api import JobFacts, add_job_operations
from pool.imports.forms import UploadForm
from pool.imports.uploads import submit_upload
from pool.imports.views import pages
from pool.models import Dataset, FileOutcome, HeldFile, Image, ImportJob, Slice

OF_THE_DATASET = ("dataset", "name", "origin", "modality", "window", "licence", "citation")
MOST_AT_ONCE = 1000
MAY = "pool.add_image"

if TYPE_CHECKING:
    Upload = Schema
else:
    Upload = body_of(UploadForm, "Upload", without=(*OF_THE_DATASET, "uploads", "sent", "table"))

router = Router(tags=["Images"])


class Outcome(Schema):
    file: str
    reason: str
    same_as: str


class ImportLine(JobFacts):
    """How far an import is; which files became no image of their own, it says itself."""

    dataset_id: int
    imported: int


class ImportFacts(ImportLine):
    """`refused`, `duplicates` and `unchosen` (slices) name the files that became no image of their own, the first hundred of each.

    `elsewhere`: how many of its images stand in other datasets that you see too, by the dataset's name.
    """

    refused: list[Outcome]
    duplicates: list[Outcome]
    unchosen: list[Outcome]
    elsewhere: dict[str, int]

    @staticmethod
    def resolve_elsewhere(job: ImportJob, context: Any) -> dict[str, int]:
        if job.is_active:
            return {}
        numbers: dict[str, int] = job.images.elsewhere(Image.objects.visible_to(context["request"].user))
        return numbers

    @staticmethod
    def resolve_refused(job: ImportJob) -> Any:
        return _outcomes(job.outcomes.refused())

    @staticmethod
    def resolve_duplicates(job: ImportJob) -> Any:
        return _outcomes(job.outcomes.duplicates())

    @staticmethod
    def resolve_unchosen(job: ImportJob) -> Any:
        return _outcomes(job.outcomes.unchosen())


def _outcomes(rows: Any) -> list[dict[str, str]]:
    return [{"file": row.file, "reason": row.reason, "same_as": row.same_as} for row in rows[:100]]


class Digests(Schema):
    sha256: list[Sha256] = Field(max_length=MOST_AT_ONCE)


class DigestQuery(Digests):
    """`with_outcomes`: files that an import of this dataset has refused, or taken for duplicates, are missing again."""

    with_outcomes: bool = False


@router.post(
    "/datasets/{pk}/images",
    response={202: ImportFacts},
    auth=Access(Scope.WRITE, MAY),
    openapi_extra=ONCE,
)
@once(ImportFacts, 202)
def upload_images(
    request: HttpRequest,
    pk: Key,
    fields: Form[Upload],
    uploads: File[list[UploadedFile]] = [],  # noqa: B006  (Ninja reads it as “may be left out”)
    table: File[UploadedFile | None] = None,
) -> Any:
    """Send images, or archives of them. Pixels that the dataset holds already are told as duplicates, never added twice.

    The slices of a series that are to be one stack, or to be chosen from, come in one request, as files or as an archive.
    """
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    files: Any = MultiValueDict({name: list(values) for name, values in request.FILES.lists()})
    form = filled(
        UploadForm,
        {"labels": ImportJob.Labels.NONE, **fields.model_dump(exclude_unset=True), "dataset": dataset.pk},
        files,
        person=request.user,
    )
    return submit_upload(form.target(request.user), form.upload(), by=request.user)


@router.post("/datasets/{pk}/images/missing", response=Digests, auth=Access(Scope.READ, "pool.view_image"))
def missing_images(request: HttpRequest, pk: Key, body: DigestQuery) -> Any:
    """Which of these files, by SHA-256, are no image of the dataset: send those, after a broken upload as before it.

    Of a dataset that you may change, files on its release desk or discarded there are not missing either, nor are files that
    an import has refused for what they are, or taken for duplicates, unless `with_outcomes` asks for them.
    """
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    of_these = {"dataset": dataset, "source_sha256__in": body.sha256}
    images = Image.objects.filter(**of_these).values_list("source_sha256", flat=True)
    held_files = (
        HeldFile.objects.editable_by(request.user).exclude(state=HeldFile.State.EXPIRED).filter(**of_these)
    )
    slices = Slice.objects.filter(image__dataset=dataset, source_sha256__in=body.sha256)
    rows: list[Any] = [held_files, slices]
    if not body.with_outcomes and Dataset.objects.editable_by(request.user).filter(pk=pk).exists():
        rows.append(FileOutcome.objects.filter(job__dataset=dataset, source_sha256__in=body.sha256))
    present = {*images, *(digest for each in rows for digest in each.values_list("source_sha256", flat=True))}
    return {"sha256": [digest for digest in dict.fromkeys(body.sha256) if digest not in present]}


add_job_operations(router, pages, ImportFacts, line=ImportLine, at="/imports", one="import", many="imports")
