"""People and the site's log, for programs of admins."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema

from accounts.api.access import Access, proof_for_act
from accounts.api.filling import body_of, filled
from accounts.api.headers import ACT
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.models import User
from accounts.roles import Role
from accounts.tokens.models import Scope
from audit.models import SITE_CHAIN, Event
from lungrater.people.acts import ACTS, LinkAct
from lungrater.people.directory import PeopleFilter, people
from lungrater.people.invitations import Invited, InviteForm, deliver, link_for
from rating.views.api.outcome import EventFacts

router = Router(tags=["People and the site"])
sees = Access(Scope.PEOPLE, "accounts.view_user")

if TYPE_CHECKING:
    Filter = Schema
    InviteBody = Schema
else:
    InviteBody = body_of(InviteForm, "PeopleInvitations")
    Filter = body_of(PeopleFilter, "PeopleFilter")


class PersonFacts(Schema):
    uuid: UUID
    email: str
    name: str
    role: Role
    state: str
    groups: list[str]
    has_app: bool
    has_passkey: bool
    last_login: datetime | None
    date_joined: datetime

    @staticmethod
    def resolve_name(person: User) -> str:
        return person.get_full_name()

    @staticmethod
    def resolve_groups(person: User) -> list[str]:
        return [group.name for group in person.groups.all()]


@router.get("/people", response=list[PersonFacts], auth=sees)
@paged
def list_people(request: HttpRequest, chosen: Query[Filter]) -> Any:
    return filled(PeopleFilter, chosen.model_dump(exclude_unset=True)).people()


class InvitedFacts(Schema):
    """`url` is the link where no mail reaches its person; else empty."""

    email: str
    role: Role
    is_sent: bool
    url: str


class PeopleInvitedFacts(Schema):
    invited: list[InvitedFacts]
    refused: list[str]


@router.post(
    "/people/invitations",
    response=PeopleInvitedFacts,
    auth=Access(Scope.PEOPLE, "accounts.add_user"),
    openapi_extra=ACT,
)
def invite_people(request: HttpRequest, body: InviteBody) -> Any:
    """Make accounts, one address a line or a CSV; an act token, as the page asks for a proof too."""
    proof_for_act(request)
    form = filled(InviteForm, body.model_dump(exclude_unset=True))
    by = get_object_or_404(User, pk=request.user.pk)
    invited, refused = form.invite(by=by, absolute=request.build_absolute_uri)
    return {"invited": [_facts(each) for each in invited], "refused": refused}


class PersonSentence(Schema):
    """`url` is a new sign-in link where no mail reaches its person."""

    sentence: str
    url: str = ""


def _add(name: str) -> None:
    form = ACTS[name]

    def act_on(request: HttpRequest, uuid: UUID, body: Any) -> Any:
        """An act token, as the page asks for a proof too."""
        proof_for_act(request)
        person: User = get_object_or_404(people(), uuid=uuid)
        by = get_object_or_404(User, pk=request.user.pk)
        valid = filled(form, body.model_dump(exclude_unset=True), person=person, by=by)
        if not isinstance(valid, LinkAct):
            return {"sentence": valid.save()}
        path = link_for(person, by=by, reason=valid.cleaned_data["reason"])
        invited = deliver(person, request.build_absolute_uri(path))
        if not (invited.is_sent or invited.url):
            raise ProblemError(
                409, "The mail could not be sent; a link made before still works. Try again later."
            )
        return {"sentence": "The link is on its way." if invited.is_sent else "A link.", "url": invited.url}

    words = name.replace("-", "_")
    act_on.__name__ = f"person_{words}"
    act_on.__annotations__["body"] = body_of(form, f"Person{words.title().replace('_', '')}")
    router.post(
        f"/people/{{uuid}}/{name}",
        response=PersonSentence,
        auth=Access(Scope.PEOPLE, "accounts.change_user"),
        openapi_extra=ACT,
        summary=form.title,
    )(act_on)


for act in ACTS:
    _add(act)


def _facts(each: Invited) -> dict[str, object]:
    return {"email": each.person.email, "role": each.person.role, "is_sent": each.is_sent, "url": each.url}


@router.get("/log", response=list[EventFacts], auth=sees)
@paged
def list_site_log(request: HttpRequest) -> Any:
    """The log of the site: sign-ins, roles, looks, removals, refusals; each study has its own."""
    return Event.objects.filter(chain=SITE_CHAIN)
