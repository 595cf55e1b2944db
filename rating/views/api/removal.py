"""What is put out of the way or taken away, for programs: a study into the archive and back, a remark that must not stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from ninja.responses import Status

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.types import Slug
from accounts.forms import ReasonForm
from accounts.tokens.models import Scope
from rating.models import Study
from rating.results.remark_redaction import RedactionForm
from rating.studies.removal import archive, bring_back, delete_draft
from rating.views.api.facts import ActFacts, editable, refused_in_the_log, reread

router = Router(tags=["Acts on studies"])
changes = Access(Scope.WRITE, "rating.change_study")

if TYPE_CHECKING:
    RedactionBody = Schema
    WhyDelete = Schema
else:
    RedactionBody = body_of(RedactionForm, "Redaction")
    WhyDelete = body_of(ReasonForm, "WhyDelete")


@router.put("/studies/{slug}/archive", response=ActFacts, auth=changes)
def archive_study(request: HttpRequest, slug: Slug) -> Any:
    """Leave the study out of the lists; nothing else of it changes. Twice is as once."""
    study = editable(request, slug)
    with refused_in_the_log(study, "archive"):
        archive(study, request.user)
    return {"sentence": "The study is archived.", "study": reread(study)}


@router.delete("/studies/{slug}/archive", response=ActFacts, auth=changes)
def bring_back_study(request: HttpRequest, slug: Slug) -> Any:
    """Into the lists again. Twice is as once."""
    study = editable(request, slug)
    bring_back(study, request.user)
    return {"sentence": "The study is in the lists again.", "study": reread(study)}


@router.post("/studies/{slug}/remove", response={204: None}, auth=changes)
def remove_draft(request: HttpRequest, slug: Slug, body: WhyDelete) -> Any:
    """A draft goes for good, with its invitations; the log keeps its name and your reason."""
    study = get_object_or_404(Study.objects.drafts().owned_by(request.user), slug=slug)
    reason = filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    with refused_in_the_log(study, "delete"):
        delete_draft(study, request.user, reason)
    return Status(204, None)


@router.post("/studies/{slug}/redactions", response=ActFacts, auth=changes)
def redact_remark(request: HttpRequest, slug: Slug, body: RedactionBody) -> Any:
    """Take a remark away for good, from every save of the answer; the log keeps who, when and why. Its label stands."""
    study = get_object_or_404(Study.objects.owned_by(request.user), slug=slug)
    form = filled(RedactionForm, body.model_dump(exclude_unset=True), study=study, by=request.user)
    return {"sentence": form.save(), "study": reread(study)}
