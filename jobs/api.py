"""The operations every kind of job has, beside the pages every kind has: the list, one job, stop, go on."""

from __future__ import annotations

from datetime import datetime
from types import GenericAlias
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.problems import ProblemError
from accounts.api.types import Key
from accounts.tokens.models import Scope
from jobs.models import Job
from jobs.views import JobPages

# Spelled out: a document names an enumeration by its class, and a study has states too.
JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]


class JobFacts(Schema):
    """How far a job is. While it is queued or running, ask again after the seconds of `Retry-After`."""

    id: int
    state: JobState
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @staticmethod
    def resolve_requested_by(job: Job) -> str | None:
        return str(job.requested_by) if job.requested_by else None


def add_job_operations(
    router: Router,
    pages: JobPages[Any],
    facts: type[JobFacts],
    *,
    at: str,
    one: str,
    many: str,
    line: type[JobFacts] | None = None,
) -> None:
    """Mount the four at this address; `one` and `many` name the kind in the operations' names.

    `line` is what the list gives of each, where one job alone gives more.
    """
    lines = GenericAlias(list, (line or facts,))
    views = Access(Scope.READ, pages.permission("view"))
    changes = Access(Scope.WRITE, pages.permission("change"))

    def list_jobs(request: HttpRequest) -> Any:
        return pages.listed(request)

    def get_job(request: HttpRequest, response: HttpResponse, pk: Key) -> Any:
        job = get_object_or_404(pages.detailed(request), pk=pk)
        return answered(job, response, pages.seconds)

    def cancel_job(request: HttpRequest, pk: Key) -> Any:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        job = pages.editable(request, pk)
        job.request_cancel(by=request.user)
        return reread(job)

    def resume_job(request: HttpRequest, pk: Key) -> Any:
        """A stopped, failed or paused job makes what it lacks."""
        job = pages.editable(request, pk)
        if sentence := pages.resumed(request, job):
            raise ProblemError(409, sentence)
        return reread(job)

    def mount(operation: Any, method: str, path: str, name: str, **options: Any) -> None:
        operation.__name__ = name
        getattr(router, method)(path, summary=name.replace("_", " ").capitalize(), **options)(operation)

    mount(paged(list_jobs), "get", at, f"list_{many}", response=lines, auth=views)
    mount(get_job, "get", f"{at}/{{pk}}", f"get_{one}", response=facts, auth=views)
    mount(cancel_job, "post", f"{at}/{{pk}}/cancel", f"cancel_{one}", response=facts, auth=changes)
    mount(resume_job, "post", f"{at}/{{pk}}/resume", f"resume_{one}", response=facts, auth=changes)


def add_create(
    router: Router, create: Any, body: Any, facts: type[JobFacts], *, at: str, name: str, permission: str
) -> None:
    """Mount `create(request, body)`, which gives a queued job; 202, as the work comes later."""

    def create_job(request: HttpRequest, body: Any) -> Any:
        return create(request, body)

    create_job.__annotations__["body"] = body
    create_job.__doc__, create_job.__name__ = create.__doc__, name
    router.post(
        at,
        response={202: facts},
        auth=Access(Scope.WRITE, permission),
        summary=name.replace("_", " ").capitalize(),
        openapi_extra=ONCE,
    )(once(facts, 202)(create_job))


class DurationFacts(Schema):
    """About how long a job takes; `seconds` is null, and the sentence says why, where that is not known."""

    seconds: float | None
    sentence: str


def add_estimate(router: Router, estimate: Any, body: Any, *, at: str, name: str, permission: str) -> None:
    """Mount `estimate(request, body)`, which gives what a page's button “How long?” says; nothing is queued."""

    def estimate_duration(request: HttpRequest, body: Any) -> Any:
        return estimate(request, body)

    estimate_duration.__annotations__["body"] = body
    estimate_duration.__doc__, estimate_duration.__name__ = estimate.__doc__, name
    router.post(
        f"{at}/duration",
        response=DurationFacts,
        auth=Access(Scope.READ, permission),
        summary=name.replace("_", " ").capitalize(),
    )(estimate_duration)


def answered(job: Any, response: HttpResponse, seconds: int) -> Any:
    if job.is_active:
        response["Retry-After"] = str(seconds)
    return job


def reread(job: Any) -> Any:
    """The row as it is now: states move by conditional updates."""
    job.refresh_from_db()
    return job
