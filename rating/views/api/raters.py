"""How far a study's raters are, and what an organiser does to one of them, for programs. No labels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from accounts.api.access import Access
from accounts.api.types import Key, Slug
from accounts.tokens.models import Scope
from audit import record
from rating.models import Enrolment, Study
from rating.studies.invitations import WayIn, ways_in
from rating.studies.stepper import pace
from rating.views.api.facts import refused_in_the_log, visible
from rating.views.conduct.inviting import KEY_SEEN
from rating.views.conduct.rater_acts import ACTS, act_on_rater

router = Router(tags=["Raters"])


class RaterFacts(Schema):
    """`pace` is finished, reading, quiet or not begun, `way_in` how far an invitation has come; no labels, and no person."""

    number: int
    rater: str
    presentation_count: int
    rated_count: int
    last_rated_at: datetime | None
    withdrawn_at: datetime | None
    pace: str
    way_in: WayIn


class KeyFacts(Schema):
    rater: str
    name: str
    email: str


class RaterAct(Schema):
    """`email` names who takes the place of a rater who is replaced."""

    reason: str = Field("", max_length=500)
    email: str = Field("", max_length=254)


class RaterSentence(Schema):
    sentence: str


@router.get("/studies/{slug}/raters", response=list[RaterFacts], auth=Access(Scope.READ, "rating.view_study"))
def list_raters(request: HttpRequest, slug: Slug) -> Any:
    """The progress of each rater, by pseudonym."""
    now, study = timezone.now(), visible(request, slug)
    enrolments: Any = list(Enrolment.objects.filter(study=study).with_progress())
    ways = ways_in(study, enrolments)
    return [
        {
            "number": each.number,
            "rater": each.pseudonym,
            "presentation_count": each.presentation_count,
            "rated_count": each.rated_count,
            "last_rated_at": each.last_rated_at,
            "withdrawn_at": each.withdrawn_at,
            "pace": pace(each, now),
            "way_in": ways[each.pk],
        }
        for each in enrolments
    ]


@router.get("/studies/{slug}/key", response=list[KeyFacts], auth=Access(Scope.PEOPLE, "accounts.change_user"))
def get_key(request: HttpRequest, slug: Slug) -> Any:
    """Who each pseudonym is, where researchers see these alone; the study's log keeps the look."""
    study = get_object_or_404(Study.objects.keys_of(request.user), slug=slug)
    record(study, request.user, KEY_SEEN)
    return [
        {"rater": each.pseudonym, "name": each.user.get_full_name(), "email": each.user.email}
        for each in study.enrolments.people().select_related("user").order_by("number")
    ]


def _add(name: str) -> None:
    def act_on(request: HttpRequest, slug: Slug, number: Key, body: RaterAct) -> Any:
        enrolment = get_object_or_404(
            Enrolment.objects.select_related("study", "user"),
            study__in=Study.objects.editable_by(request.user),
            study__slug=slug,
            number=number,
        )
        with refused_in_the_log(enrolment.study, name):
            return {"sentence": act_on_rater(enrolment, name, body.model_dump(), by=request.user)}

    act_on.__name__, act_on.__doc__ = f"{name}_rater", ACTS[name].__doc__
    router.post(
        f"/studies/{{slug}}/raters/{{number}}/{name.replace('_', '-')}",
        response=RaterSentence,
        auth=Access(Scope.WRITE, "rating.change_study"),
        summary=f"{name.replace('_', ' ').capitalize()} a rater",
    )(act_on)


for act in ACTS:
    _add(act)
