"""Ratings made elsewhere, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from ninja.responses import Status

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.types import Slug, typed_result
from accounts.forms import ReasonForm
from accounts.tokens.models import Scope
from pool.canonical.typed_json import as_json
from rating.models import ImportedRatings
from rating.results.imported.form import ImportedRatingsForm
from rating.results.imported.numbers import typed_of
from rating.results.imported.report import imported_csv
from rating.views.api.outcome import CSV

router = Router(tags=["Ratings made elsewhere"])
views = Access(Scope.READ, "rating.view_study")

if TYPE_CHECKING:
    Body = Schema
    Reason = Schema
else:
    Body = body_of(ImportedRatingsForm, "ImportedRatings")
    Reason = body_of(ReasonForm, "RemovalReason")


class ImportedFacts(Schema):
    """Ratings that this site neither blinded nor timed."""

    slug: str
    name: str
    origin: str
    file_name: str
    file_sha256: str
    created_at: datetime


@router.get("/imported-ratings", response=list[ImportedFacts], auth=views)
@paged
def list_imported_ratings(request: HttpRequest) -> Any:
    return ImportedRatings.objects.visible_to(request.user).defer("table")


@router.post(
    "/imported-ratings",
    response={201: ImportedFacts},
    auth=Access(Scope.WRITE, "rating.add_study"),
    openapi_extra=ONCE,
)
@once(ImportedFacts)
def import_ratings(request: HttpRequest, body: Body) -> Any:
    """The text of a CSV, or of an export of Label Studio or doccano, in `file`; yours."""
    return filled(ImportedRatingsForm, body.model_dump(exclude_unset=True)).save_by(request.user)


@router.get(
    "/imported-ratings/{slug}/results",
    response=Annotated[dict[str, object], typed_result("ImportedResults")],
    auth=Access(Scope.EXPORT, "rating.view_study"),
)
def get_imported_results(request: HttpRequest, slug: Slug) -> Any:
    """Every number, and in `imported` what they are of; without a truth the agreement alone."""
    row = get_object_or_404(ImportedRatings.objects.visible_to(request.user), slug=slug)
    return as_json(typed_of(row))


@router.get(
    "/imported-ratings/{slug}/ratings.csv",
    auth=Access(Scope.EXPORT, "rating.export_study"),
    openapi_extra=CSV,
)
def get_imported_csv(request: HttpRequest, slug: Slug) -> StreamingHttpResponse:
    row = get_object_or_404(ImportedRatings.objects.visible_to(request.user), slug=slug)
    return StreamingHttpResponse(imported_csv(row), content_type="text/csv; charset=utf-8")


@router.post(
    "/imported-ratings/{slug}/remove",
    response={204: None},
    auth=Access(Scope.WRITE, "rating.change_study"),
)
def remove_imported_ratings(request: HttpRequest, slug: Slug, body: Reason) -> Any:
    """With a reason, which the log keeps."""
    row = get_object_or_404(ImportedRatings.objects.owned_by(request.user), slug=slug)
    form = filled(ReasonForm, body.model_dump(exclude_unset=True))
    row.remove(by=request.user, reason=form.cleaned_data["reason"])
    return Status(204, None)
