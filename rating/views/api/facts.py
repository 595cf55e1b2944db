"""A study and what was done to it, as programs get them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Schema

from accounts.api.problems import ProblemError, Refusal
from accounts.api.types import typed_result
from jobs.api import JobFacts
from rating.models import Study
from rating.studies.protocol_file import protocol_of
from rating.studies.study import NotPossibleError

# What creates a study, its body, is what is read of it.
ProtocolFile = Annotated[dict[str, object], typed_result("Protocol")]


class Finding(Schema):
    check: str
    verdict: str
    reason: str
    remedy: str = ""  # audits of before it was kept have none


class AuditFacts(JobFacts):
    """The blinding audit. Which images a finding means stands on its page."""

    verdict: str
    findings: list[Finding]


class StudyLine(Schema):
    slug: str
    name: str
    state: Study.State
    rater_count: int
    presentation_count: int
    rated_count: int
    created_at: datetime


class StudyFacts(StudyLine):
    """`not_frozen_because` and `not_open_because` say in sentences what it waits for."""

    protocol: ProtocolFile
    manifest_sha256: str
    frozen_at: datetime | None
    opened_at: datetime | None
    closed_at: datetime | None
    unblinded_at: datetime | None
    not_frozen_because: list[str]
    not_open_because: list[str]
    freeze: JobFacts | None
    audit: AuditFacts | None

    @staticmethod
    def resolve_protocol(study: Study) -> dict[str, object]:
        return protocol_of(study)

    @staticmethod
    def resolve_not_frozen_because(study: Study) -> list[str]:
        return study.reasons_not_to_freeze() if study.is_draft else []

    @staticmethod
    def resolve_not_open_because(study: Study) -> list[str]:
        return study.reasons_not_to_open() if study.opened_at is None else []

    @staticmethod
    def resolve_freeze(study: Study) -> Any:
        return study.freezes.first()

    @staticmethod
    def resolve_audit(study: Study) -> Any:
        return study.blinding_audit


class ActFacts(Schema):
    """What the page would say was done, and the study after it."""

    sentence: str
    study: StudyFacts


def reread(study: Study) -> Any:
    """With its counts, as it is now."""
    return Study.objects.with_progress().get(pk=study.pk)


def visible(request: HttpRequest, slug: str) -> Study:
    return get_object_or_404(Study.objects.visible_to(request.user), slug=slug)


def editable(request: HttpRequest, slug: str) -> Study:
    return get_object_or_404(Study.objects.editable_by(request.user), slug=slug)


@contextmanager
def refused_in_the_log(study: Study, act: str) -> Iterator[None]:
    """What is not possible now is a problem, and an event of the study's log, as on the page."""
    try:
        yield
    except NotPossibleError as reason:
        raise ProblemError(409, str(reason), refusal=Refusal(study, act, str(reason))) from reason
