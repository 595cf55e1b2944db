"""How raters are brought in and kept going, for programs: due date, reminders, the door of a recruitment site."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.types import Slug
from accounts.tokens.models import Scope
from rating.models import Recruitment, Study
from rating.studies.outreach.recruitment import RecruitmentForm, recruitment_of
from rating.studies.outreach.reminders import ScheduleForm, schedule_of
from rating.views.api.facts import editable
from rating.views.conduct.outreach import link_of

router = Router(tags=["Raters"])
reads = Access(Scope.READ, "rating.change_study")
changes = Access(Scope.WRITE, "rating.change_study")

if TYPE_CHECKING:
    ScheduleBody = Schema
    RecruitmentBody = Schema
else:
    ScheduleBody = body_of(ScheduleForm, "ScheduleBody")
    RecruitmentBody = body_of(RecruitmentForm, "RecruitmentBody")


class ScheduleFacts(Schema):
    due_on: date | None
    days_before: int | None
    idle_days: int | None
    most: int


class RecruitmentFacts(Schema):
    """`path` is that of the link, empty before anything is set; `arrived` how many have come by it."""

    is_open: bool
    places: int
    participant_name: str
    outer_study_name: str
    outer_session_name: str
    completion_url: str
    completion_code: str
    path: str
    arrived: int

    @staticmethod
    def resolve_path(recruitment: Recruitment) -> str:
        return "" if recruitment._state.adding else link_of(recruitment)

    @staticmethod
    def resolve_arrived(recruitment: Recruitment) -> int:
        return 0 if recruitment._state.adding else recruitment.recruits.count()


@router.get("/studies/{slug}/schedule", response=ScheduleFacts, auth=reads)
def get_schedule(request: HttpRequest, slug: Slug) -> Any:
    """Until when raters are to read, and when they are reminded."""
    return schedule_of(editable(request, slug))


@router.patch("/studies/{slug}/schedule", response=ScheduleFacts, auth=changes)
def change_schedule(request: HttpRequest, slug: Slug, body: ScheduleBody) -> Any:
    """Change what is named; null takes it away."""
    study = editable(request, slug)
    return filled(_of(ScheduleForm, schedule_of(study)), body.model_dump(exclude_unset=True)).save_for(
        study, by=request.user
    )


@router.get("/studies/{slug}/recruitment", response=RecruitmentFacts, auth=reads)
def get_recruitment(request: HttpRequest, slug: Slug) -> Any:
    return recruitment_of(_filled_by(request, slug))


@router.patch("/studies/{slug}/recruitment", response=RecruitmentFacts, auth=changes)
def change_recruitment(request: HttpRequest, slug: Slug, body: RecruitmentBody) -> Any:
    """Change what is named: the door, its places, the names of its parameters, the way back."""
    study = _filled_by(request, slug)
    return filled(_of(RecruitmentForm, recruitment_of(study)), body.model_dump(exclude_unset=True)).save_for(
        study, by=request.user
    )


def _filled_by(request: HttpRequest, slug: str) -> Study:
    return get_object_or_404(Study.objects.filled_by(request.user), slug=slug)


def _of(form: Any, instance: Any) -> Any:
    """The form of this row, to be filled."""

    def make(data: Any, files: Any) -> forms.BaseForm:
        bound: forms.BaseForm = form(data, files, instance=instance)
        return bound

    return make
