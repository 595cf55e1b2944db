"""What came of a study, for programs: results, ratings, log, and whether all of it is as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.api.types import Key, Slug, typed_result
from accounts.tokens.models import Scope
from audit import record
from jobs.api import JobFacts, add_job_operations
from jobs.snapshot import in_one_snapshot
from pool.canonical.typed_json import as_json
from rating.models import BundleJob, Study
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation.queue import analysis_to_await, is_large
from rating.results.export.bundle_form import BundleForm
from rating.results.export.log import event_lines
from rating.results.export.parquet import MISSING, has_parquet
from rating.results.export.ratings_csv import codebook_lines, csv_lines
from rating.results.parts import Part
from rating.results.verification import verify_study
from rating.studies.trail.looks import note_look
from rating.views import bundles, export
from rating.views.api.facts import visible
from rating.views.images_and_remarks import remarks_csv

router = Router(tags=["What came of a study"])
sees_outcome = Access(Scope.EXPORT, "rating.view_study")
exports = Access(Scope.EXPORT, "rating.export_study")
makes_bundles = Access(Scope.EXPORT, "rating.export_study")
views = Access(Scope.READ, "rating.view_study")

if TYPE_CHECKING:
    BundleBody = Schema
else:
    BundleBody = body_of(BundleForm, "Bundle")


def content(*kinds: str, is_binary: bool = False) -> dict[str, object]:
    """What the document says of an answer that is a file."""
    schema = {"type": "string", **({"format": "binary"} if is_binary else {})}
    return {"responses": {200: {"content": {kind: {"schema": schema} for kind in kinds}}}}


CSV = content("text/csv")
BEING_COMPUTED = "The numbers of this study are being computed; ask again in a while."


class EventFacts(Schema):
    """A line of the study's log; `number` is its place in the chain."""

    id: int
    number: int | None
    at: datetime
    action: str
    who: str
    actor: UUID | None
    subject_kind: str
    reason: str
    detail: dict[str, object]
    sha256: str


class BundleFacts(JobFacts):
    """How far a bundle is; of one that is there its size and SHA-256, and whether it says which images are real."""

    study: str
    with_images: bool
    file_bytes: int | None
    sha256: str
    with_truth: bool
    verified: bool | None

    @staticmethod
    def resolve_study(job: BundleJob) -> str:
        return job.study.slug


class VerificationFacts(Schema):
    is_whole: bool
    sentence: str
    discrepancies: list[str]
    head: str | None


def _over(request: HttpRequest, slug: str) -> Study:
    return get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)


@router.get(
    "/studies/{slug}/results",
    response=Annotated[dict[str, object], typed_result("StudyResults")],
    auth=sees_outcome,
)
def get_results(request: HttpRequest, slug: Slug) -> Any:
    """Every number of the report, each with its interval or the reason why there is none; what needs the truth is null before."""
    study = _over(request, slug)
    note_look(study, request.user, "results")
    cache = ResultCache(study)
    if analysis_to_await(study, Part(), cache, request.user):
        # Given back, not raised: what is raised undoes the job.
        return ProblemError(503, BEING_COMPUTED, headers={"Retry-After": "10"}).response()
    return as_json(results_of(study, cache))


@router.get("/studies/{slug}/ratings.csv", auth=exports, openapi_extra=CSV)
def get_ratings_csv(request: HttpRequest, slug: Slug) -> HttpResponseBase:
    """One row per presentation that counts; truth, dataset and finding are empty until the study is unblinded."""
    study = _over(request, slug)
    export.keep_export(request.user, study)
    return _csv(in_one_snapshot(csv_lines(study)))


@router.get("/studies/{slug}/machines.csv", auth=exports, openapi_extra=CSV)
def get_machines_csv(request: HttpRequest, slug: Slug) -> HttpResponseBase:
    """The same of machine raters."""
    study = _over(request, slug)
    export.keep_export(request.user, study, machines=True)
    return _csv(in_one_snapshot(csv_lines(study, machines=True)))


@router.get("/studies/{slug}/codebook.csv", auth=exports, openapi_extra=CSV)
def get_codebook_csv(request: HttpRequest, slug: Slug) -> HttpResponseBase:
    return _csv(codebook_lines(visible(request, slug)))


@router.get("/studies/{slug}/remarks.csv", auth=exports, openapi_extra=CSV)
def get_remarks_csv(request: HttpRequest, slug: Slug) -> HttpResponseBase:
    """What raters wrote; the filters of the page (`q`, `session` …) work here too."""
    return remarks_csv(request, slug)


@router.get(
    "/studies/{slug}/ratings.parquet", auth=exports, openapi_extra=content(export.PARQUET, is_binary=True)
)
def get_ratings_parquet(request: HttpRequest, slug: Slug) -> HttpResponseBase:
    """The ratings with the types of their columns; 409 where this site has no writer of it."""
    study = _over(request, slug)
    if not has_parquet():
        raise ProblemError(409, MISSING)
    export.keep_export(request.user, study, format="parquet")
    return StreamingHttpResponse(export.parquet_chunks(study), content_type=export.PARQUET)


@router.post("/studies/{slug}/bundles", response={202: BundleFacts}, auth=makes_bundles, openapi_extra=ONCE)
@once(BundleFacts, 202)
def create_bundle(request: HttpRequest, slug: Slug, body: BundleBody) -> Any:
    """Put everything into one zip, with scripts that recompute its numbers; a job, its file to be fetched from it."""
    study = _over(request, slug)
    return filled(BundleForm, body.model_dump(exclude_unset=True)).submit(study, by=request.user)


@router.get("/bundles/{pk}/file", auth=exports, openapi_extra=content("application/zip", is_binary=True))
def get_bundle_file(request: HttpRequest, pk: Key) -> HttpResponseBase:
    """The zip, once its job has succeeded and as long as it lies there (a week)."""
    job = bundles.fetchable(request, pk)
    if not job.file:
        raise ProblemError(409, bundles.DROPPED if job.is_dropped else "This bundle is not there yet.")
    return bundles.zip_response(request, job)


add_job_operations(router, bundles.pages, BundleFacts, at="/bundles", one="bundle", many="bundles")


@router.get(
    "/studies/{slug}/report.{kind}",
    auth=sees_outcome,
    openapi_extra=content("application/pdf", "text/html", is_binary=True),
)
def get_report(request: HttpRequest, slug: Slug, kind: Literal["html", "pdf"]) -> HttpResponse:
    """The report as one file; of a large study the bundle has it, and this is refused."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    if is_large(study):
        raise ProblemError(409, export.OF_MANY)
    return export.report_file(request, study, kind)


@router.get("/studies/{slug}/log", response=list[EventFacts], auth=sees_outcome)
@paged
def list_study_log(request: HttpRequest, slug: Slug) -> Any:
    return visible(request, slug).events


@router.get("/studies/{slug}/log.csv", auth=sees_outcome, openapi_extra=CSV)
def get_study_log_csv(request: HttpRequest, slug: Slug) -> HttpResponseBase:
    study = visible(request, slug)
    record(study, request.user, "exported the log")
    return _csv(in_one_snapshot(event_lines(study.events, with_identity=True)))


@router.post("/studies/{slug}/verify", response=VerificationFacts, auth=views)
def verify_now(request: HttpRequest, slug: Slug) -> Any:
    """Recompute log, revisions, ratings, orders, manifest and derivatives; the log keeps that it was done."""
    study = visible(request, slug)
    verification = verify_study(study)
    record(study, request.user, "verified", verified=verification.is_whole, head=str(verification.head))
    return {
        "is_whole": verification.is_whole,
        "sentence": verification.sentence,
        "discrepancies": [str(each) for each in verification.discrepancies],
        "head": str(verification.head) if verification.head else None,
    }


def _csv(lines: Iterable[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
