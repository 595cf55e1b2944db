"""The release desk for programs: what waits, its pixels, and what is decided of it, one by one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.tokens.models import Scope
from pool.canonical.pixels import RefusedImageError
from pool.looks import note_look
from pool.models import HeldFile
from pool.release.desk import AlreadyDecidedError, readmit
from pool.release.forms import DecisionForm, DeskFilterForm, DiscardSeveralForm
from pool.release.views import eight_bit_png
from pool.storage.insertion import DuplicatePixelsError

MOST_FILES = 1000
MOST_RECTANGLES = 50
Pixel = Annotated[int, Field(ge=0, le=99_999)]


class Box(Schema):
    """A rectangle in pixels, from the image's upper left corner."""

    left: Pixel
    top: Pixel
    width: Pixel
    height: Pixel

    def line(self) -> str:
        return f"{self.left} {self.top} {self.width} {self.height}"


class Corners(Schema):
    """A rectangle by its upper left corner and the pixel after its lower right one."""

    left: Pixel
    top: Pixel
    right: Pixel
    bottom: Pixel

    def line(self) -> str:
        return f"{self.left} {self.top} {max(0, self.right - self.left)} {max(0, self.bottom - self.top)}"


Mask = Annotated[list[Box | Corners], Field(max_length=MOST_RECTANGLES)]

if TYPE_CHECKING:
    Decision = Schema
    DeskFilter = Schema
    Discarding = Schema
else:
    Decision = body_of(DecisionForm, "Decision", without=("mask",), mask=(Mask | None, None))
    DeskFilter = body_of(DeskFilterForm, "DeskFilter")
    Files = Annotated[list[UUID], Field(max_length=MOST_FILES)]
    Discarding = body_of(
        DiscardSeveralForm, "Discarding", without=("held_files",), held_files=(Files | None, None)
    )

router = Router(tags=["Release desk"])
reads = Access(Scope.READ, "pool.change_image")
changes = Access(Scope.WRITE, "pool.change_image")
PNG = {"responses": {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}}


class HeldFileFacts(Schema):
    """`mask` has the rectangles that were laid over it, each left, top, width and height; `image_id` what it became."""

    id: UUID
    dataset_id: int
    source_name: str
    source_sha256: str
    hold_reason: str
    width: int
    height: int
    label: str
    split: str
    created_at: datetime
    state: Literal["waiting", "released", "discarded", "expired"]  # spelled out: a study has states too
    reason: str
    mask: list[list[int]]
    decided_by: str | None
    decided_at: datetime | None
    image_id: UUID | None

    @staticmethod
    def resolve_decided_by(row: HeldFile) -> str | None:
        return str(row.decided_by) if row.decided_by else None


class DecidedFacts(Schema):
    sentence: str
    held_file: HeldFileFacts


class DiscardedFacts(Schema):
    """By id: those that are discarded now, and those of which somebody had decided before."""

    discarded: list[UUID]
    decided_before: list[UUID]


@router.get("/held-files", response=list[HeldFileFacts], auth=reads)
@paged
def list_held_files(request: HttpRequest, chosen: Query[DeskFilter]) -> Any:
    """What waits on the desk of the datasets that you may change, or with `state` what was decided."""
    form = filled(DeskFilterForm, chosen.model_dump(exclude_unset=True), person=request.user)
    return _rows(request).filter(**form.chosen())


@router.post("/held-files/discard", response=DiscardedFacts, auth=changes)
def discard_held_files(request: HttpRequest, body: Discarding) -> Any:
    """Several at once can be discarded only: each release wants a look at the image itself."""
    form = filled(DiscardSeveralForm, body.model_dump(exclude_unset=True), person=request.user)
    discards = form.discard_all(by=request.user)
    return {
        "discarded": [row.pk for row in discards.discarded],
        "decided_before": [row.pk for row in discards.decided_before],
    }


@router.get("/held-files/{pk}", response=HeldFileFacts, auth=reads)
def get_held_file(request: HttpRequest, pk: UUID) -> Any:
    row = _editable(request, pk)
    note_look(row, request.user, "held file")
    return row


@router.get("/held-files/{pk}/image", auth=reads, openapi_extra=PNG)
def get_held_image(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Its pixels in eight bits, as long as it waits; the log keeps the look."""
    row = get_object_or_404(HeldFile.objects.editable_by(request.user).waiting(), pk=pk)
    note_look(row, request.user, "held file")
    return HttpResponse(eight_bit_png(row), content_type="image/png")


@router.post("/held-files/{pk}/decision", response=DecidedFacts, auth=changes)
def decide_held_file(request: HttpRequest, pk: UUID, body: Decision) -> Any:
    """Release it, mask and release it, or discard it; your name and the reason stand in the log."""
    row = _editable(request, pk)
    values: dict[str, object] = body.model_dump(exclude_unset=True, exclude={"mask"})
    values["mask"] = "\n".join(rectangle.line() for rectangle in getattr(body, "mask", None) or [])
    form = filled(DecisionForm, values, held_file=row)
    try:
        sentence = form.decide(by=request.user)
    except (AlreadyDecidedError, DuplicatePixelsError, RefusedImageError) as error:
        raise ProblemError(409, str(error)) from error
    return {"sentence": sentence, "held_file": _editable(request, pk)}


@router.post("/held-files/{pk}/readmit", response=DecidedFacts, auth=changes)
def readmit_held_file(request: HttpRequest, pk: UUID) -> Any:
    """Let a discarded file be held again when it is imported again; its row goes."""
    row = get_object_or_404(_rows(request).discarded(), pk=pk)
    facts = HeldFileFacts.model_validate(row)
    try:
        readmit(row, by=request.user)
    except AlreadyDecidedError as error:
        raise ProblemError(409, str(error)) from error
    return {"sentence": f"“{row.source_name}” is held again when it is imported again.", "held_file": facts}


def _rows(request: HttpRequest) -> Any:
    return HeldFile.objects.editable_by(request.user).select_related("decided_by")


def _editable(request: HttpRequest, pk: UUID) -> HeldFile:
    row: HeldFile = get_object_or_404(_rows(request), pk=pk)
    return row
