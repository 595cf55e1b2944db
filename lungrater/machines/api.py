"""Machine raters for programs: asked to read a study, followed, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.types import Slug
from accounts.tokens.models import Scope
from jobs.api import JobFacts, add_job_operations
from lungrater.machines.available_models import folders
from lungrater.machines.forms import MachineForm
from lungrater.machines.models import MachineReading
from lungrater.machines.views import pages
from rating.views.api.facts import editable

if TYPE_CHECKING:
    Machine = Schema
else:
    Machine = body_of(MachineForm, "Machine")

router = Router(tags=["Machine raters"])
INVITES = "accounts.invite_rater"


class MachineReadingFacts(JobFacts):
    """How far a machine is: a model of this home by its `folder`, or a vision model by name."""

    study: str
    folder: str
    model: str
    unsure: float

    @staticmethod
    def resolve_study(job: MachineReading) -> str:
        return job.study.slug


@router.get("/machines", response=list[str], auth=Access(Scope.READ, INVITES))
def list_machines(request: HttpRequest) -> Any:
    """The folders of this home's models that can read a study."""
    return folders()


@router.post(
    "/studies/{slug}/machine-readings",
    response={202: MachineReadingFacts},
    auth=Access(Scope.WRITE, INVITES),
    openapi_extra=ONCE,
)
@once(MachineReadingFacts, 202)
def create_machine_reading(request: HttpRequest, slug: Slug, body: Machine) -> Any:
    """Let a machine read an open study as a rater of its own; a vision model sees every blinded image and may cost money."""
    reading = MachineReading(study=editable(request, slug))
    form = filled(MachineForm, body.model_dump(exclude_unset=True), instance=reading)
    return form.submit(by=request.user)


add_job_operations(
    router,
    pages,
    MachineReadingFacts,
    at="/machine-readings",
    one="machine_reading",
    many="machine_readings",
)
