"""The site itself, for programs of admins: its settings, a backup, and erasing a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access, proof_for_act
from accounts.api.filling import body_of, filled
from accounts.api.headers import ACT
from accounts.api.problems import ProblemError
from accounts.models import User
from accounts.site_settings import SiteSettings
from accounts.site_settings_form import SiteSettingsForm
from accounts.tokens.models import Scope
from lungrater.monitoring.health_page import NO_PLACE, queue_backup
from lungrater.privacy.erasure import ErasureForm

if TYPE_CHECKING:
    SettingsBody = Schema
    Erasing = Schema
else:
    SettingsBody = body_of(SiteSettingsForm, "SiteSettings")
    Erasing = body_of(ErasureForm, "Erasing")

router = Router(tags=["People and the site"])
MAY = "accounts.change_sitesettings"


class SettingsFacts(Schema):
    name: str
    contact: str
    privacy_text: str
    second_factor_roles: list[str]
    grace_days: int
    provisions_people: bool
    retention_months: int | None


class ErasedFacts(Schema):
    """`traces` is where what others wrote still names them, by column."""

    sentence: str
    events: int
    remarks: int
    log_lines: int
    traces: dict[str, int]


class BackupSentence(Schema):
    sentence: str


@router.post("/backups", response={202: BackupSentence}, auth=Access(Scope.PEOPLE, MAY))
def start_backup(request: HttpRequest) -> Any:
    """One more backup to where the nightly ones go, as soon as a worker is free."""
    if not settings.BACKUP_URL:
        raise ProblemError(409, NO_PLACE)
    queue_backup(request.user)
    return {"sentence": "A worker backs the site up."}


@router.get("/settings", response=SettingsFacts, auth=Access(Scope.PEOPLE, MAY))
def get_settings(request: HttpRequest) -> Any:
    return SiteSettings.current()


@router.patch("/settings", response=SettingsFacts, auth=Access(Scope.PEOPLE, MAY), openapi_extra=ACT)
def change_settings(request: HttpRequest, body: SettingsBody) -> Any:
    """Change what is named, by an act token: who must prove themselves how is among it."""
    proof_for_act(request)
    values = body.model_dump(exclude_unset=True)
    filled(SiteSettingsForm, values, instance=SiteSettings.current()).save_by(request.user)
    return SiteSettings.current()


@router.post(
    "/people/{uuid}/erase",
    response=ErasedFacts,
    auth=Access(Scope.PEOPLE, "accounts.change_user"),
    openapi_extra=ACT,
)
def erase_person(request: HttpRequest, uuid: UUID, body: Erasing) -> Any:
    """Take a person's identity away for good, by an act token and their `address`; ratings stay, under their pseudonyms."""
    proof_for_act(request)
    person = get_object_or_404(User, uuid=uuid, erased_at=None)
    by = get_object_or_404(User, pk=request.user.pk)
    return filled(ErasureForm, body.model_dump(exclude_unset=True), person=person, by=by).save()
