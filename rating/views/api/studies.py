"""Studies for programs: listed, made of a protocol, changed while they are drafts, shared."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.db import IntegrityError
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from pydantic import Field

from accounts.api.access import Access, proof_for_act
from accounts.api.filling import body_of, filled
from accounts.api.headers import ACT, ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.api.types import Key, Slug
from accounts.forms import ReasonForm
from accounts.membership.forms import MemberForm
from accounts.membership.joining import join
from accounts.tokens.models import Scope
from audit import record
from rating.models import Study
from rating.studies.forms import FROZEN_MEANWHILE, StrataForm, StudyForm, save_study
from rating.studies.protocol_file import protocol_of, strata_values
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of
from rating.views.api.facts import ProtocolFile, StudyFacts, StudyLine, reread, visible

router = Router(tags=["Studies"])
views = Access(Scope.READ, "rating.view_study")
adds = Access(Scope.WRITE, "rating.add_study")
changes = Access(Scope.WRITE, "rating.change_study")
MOST_STRATA = 500


class StratumBody(Schema):
    """So many images of a dataset, named or by its number, and if given of one finding."""

    dataset: Key | Annotated[str, Field(max_length=100)]
    label: Annotated[str, Field(max_length=300)] = ""
    role: Literal["main", "practice", "probe"] = "main"
    count: Annotated[int, Field(ge=0, le=1_000_000)]


if TYPE_CHECKING:
    Member = Schema
    Protocol = Schema
    WhyJoin = Schema
else:
    Member = body_of(MemberForm, "StudyMember")
    WhyJoin = body_of(ReasonForm, "WhyJoin")
    Strata = Annotated[list[StratumBody], Field(max_length=MOST_STRATA)]
    Protocol = body_of(StudyForm, "Protocol", strata=(Strata | None, None))


class Sentence(Schema):
    sentence: str


@router.get("/studies", response=list[StudyLine], auth=views)
@paged
def list_studies(request: HttpRequest, archived: bool = False) -> Any:
    """Those that the page lists, or those in the archive."""
    return Study.objects.visible_to(request.user).listed(archived=archived).with_progress()


@router.post("/studies", response={201: StudyFacts}, auth=adds, openapi_extra=ONCE)
@once(StudyFacts)
def create_study(request: HttpRequest, body: Protocol) -> Any:
    """A draft, yours. The body is what a protocol file holds: the fields of the study's form, and `strata`."""
    return _saved(request, Study(created_by_id=request.user.pk), body)


@router.get("/studies/{slug}", response=StudyFacts, auth=views)
def get_study(request: HttpRequest, slug: Slug) -> Any:
    return reread(visible(request, slug))


@router.patch("/studies/{slug}", response=StudyFacts, auth=changes)
def change_study(request: HttpRequest, slug: Slug, body: Protocol) -> Any:
    """Change what is named of a draft's protocol; `strata`, where they are named, replace all."""
    study = get_object_or_404(Study.objects.drafts().editable_by(request.user), slug=slug)
    return _saved(request, study, body)


@router.get("/studies/{slug}/protocol", auth=views, response=ProtocolFile)
def get_protocol(request: HttpRequest, slug: Slug) -> Any:
    """The protocol as a file, by which another site makes the same study of its own images."""
    return protocol_of(visible(request, slug))


@router.post("/studies/{slug}/copy", response={201: StudyFacts}, auth=adds, openapi_extra=ONCE)
@once(StudyFacts)
def copy_study(request: HttpRequest, slug: Slug) -> Any:
    """A draft with the same protocol; its images are drawn anew at its freeze."""
    return reread(copy_of(visible(request, slug), by=request.user))


@router.post("/studies/{slug}/members", response=Sentence, auth=changes, openapi_extra=ACT)
def change_study_member(request: HttpRequest, slug: Slug, body: Member) -> Any:
    """Give a person, a group or all researchers a part, by an act token; an empty part takes it away."""
    study = get_object_or_404(Study.objects.owned_by(request.user), slug=slug)
    proof_for_act(request)
    form = filled(MemberForm, body.model_dump(exclude_unset=True), subject=study, by=request.user)
    sentence = form.save()
    record(study, request.user, "changed the members", reason=sentence)
    return {"sentence": sentence}


@router.post(
    "/studies/{slug}/join",
    response=StudyFacts,
    auth=Access(Scope.WRITE, "accounts.change_user"),
    openapi_extra=ACT,
)
def join_study(request: HttpRequest, slug: Slug, body: WhyJoin) -> Any:
    """For admins, by an act token: become an owner; log and mail tell the other owners, with your reason."""
    study = get_object_or_404(Study, slug=slug)
    proof_for_act(request)
    join(study, request.user, filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"])
    return reread(study)


def _saved(request: HttpRequest, study: Study, body: Schema) -> Any:
    """The draft of this body, by the two forms of the study's page."""
    values = body.model_dump(exclude_unset=True)
    strata = values.pop("strata", None)
    own_study = study if study.pk else None
    strata_form = partial(StrataForm, person=request.user, study=own_study)
    try:
        chosen = {} if strata is None else strata_values(strata_form(), strata)
        if strata is not None and study.pk:
            blank = dict.fromkeys(strata_form().fields, 0)
            chosen = blank | chosen
        form = filled(StudyForm, values, instance=study)
        return reread(
            save_study(
                form, filled(StrataForm, chosen, person=request.user, study=own_study), by=request.user
            )
        )
    except IntegrityError as error:
        raise ProblemError(409, FROZEN_MEANWHILE) from error
    except NotPossibleError as reason:
        raise ProblemError(422, str(reason), errors={"strata": [str(reason)]}) from reason
