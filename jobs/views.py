"""The pages every kind of job has: the list, one job, the part of it that moves, stop, go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from jobs.models import Job
from jobs.workers.heartbeat import why_waiting

Kind = TypeVar("Kind", bound=Job)
View = Callable[..., HttpResponse]
Context = dict[str, object]  # what a template gets


class JobPages(Generic[Kind]):
    """The pages of one kind of job, which says what its rows and its page show beside what all have.

    In the folder of its app's templates NAME_list.html and NAME.html extend jobs/list.html and jobs/job.html,
    _NAME_row.html is the first cells of a row, and _NAME_progress.html extends jobs/_progress.html.
    """

    kind: type[Kind]
    name: ClassVar[str]  # in the names of its URLs, its templates and in their context
    heads: ClassVar[Sequence[str]]  # over the cells of a row that the kind adds
    seconds: ClassVar[int] = 2  # between two looks of a page that is open
    per_page: ClassVar[int] = 30
    # The ends of the names of its URLs; where it is part of another page, it has no list or page of its own.
    parts: ClassVar[Sequence[str]] = ("_list", "", "_progress", "_cancel", "_resume")

    def listed(self, request: HttpRequest) -> QuerySet[Kind]:
        """The jobs this person may see, with what a row shows."""
        jobs: Any = self.kind.objects  # of this kind, which a type variable does not say
        rows: QuerySet[Kind] = jobs.visible_to(request.user).select_related("requested_by")
        return rows

    def detailed(self, request: HttpRequest) -> QuerySet[Kind]:
        """The same, with what a job's own page shows."""
        return self.listed(request)

    def list_context(self, request: HttpRequest) -> Context:
        """What the kind's list shows beside its rows."""
        return {}

    def context(self, job: Kind) -> Context:
        """What the kind's page shows beside the row."""
        return {}

    def resumed(self, request: HttpRequest, job: Kind) -> str:
        """Let the job go on; the sentence for the person where it cannot, else nothing."""
        return "" if job.resume(by=request.user) else "This job needs no second start."

    def paginator(self, request: HttpRequest) -> Paginator[Kind]:
        return Paginator(self.listed(request), self.per_page)

    def urls(self, at: str, *, list_at: str | None = None) -> list[URLPattern]:
        """Its URLs under `at`, such as "training/"."""
        may_view = self.may("view")
        may_change = self.may("change")
        views: dict[tuple[str, str], View] = {
            (at if list_at is None else list_at, "_list"): require_safe(may_view(self.list)),
            (f"{at}<int:pk>/", ""): require_safe(may_view(self.detail)),
            (f"{at}<int:pk>/progress", "_progress"): require_safe(may_view(self.progress)),
            (f"{at}<int:pk>/cancel", "_cancel"): require_POST(may_change(self.cancel)),
            (f"{at}<int:pk>/resume", "_resume"): require_POST(may_change(self.resume)),
        }
        return [
            path(route, view, name=self.name + end)
            for (route, end), view in views.items()
            if end in self.parts
        ]

    def may(self, act: str) -> Callable[[View], View]:
        return permission_required(self.permission(act), raise_exception=True)

    def permission(self, act: str) -> str:
        return f"{self.app}.{act}_{self.kind._meta.model_name}"

    def list(self, request: HttpRequest) -> HttpResponse:
        """The jobs, newest first; asked by htmx, the table alone."""
        page = self.paginator(request).get_page(request.GET.get("page"))
        context = {"pages": self, "page": page, "moving": any(job.is_active for job in page)}
        template = (
            "jobs/_table.html"
            if request.headers.get("HX-Request")
            else f"{self.folder}/{self.name}_list.html"
        )
        return render(request, template, context | self.list_context(request))

    def detail(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = get_object_or_404(self.detailed(request), pk=pk)
        return render(request, f"{self.folder}/{self.name}.html", self.context_of(job, request))

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the job's page that moves."""
        job = get_object_or_404(self.detailed(request), pk=pk)
        response = render(request, self.progress_template, self.context_of(job, request))
        if not job.is_active:
            response["HX-Refresh"] = "true"
        return response

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self.editable(request, pk)
        job.request_cancel(by=request.user)
        return redirect(job)

    def part(self, request: HttpRequest, job: Kind | None) -> SafeString:
        """The part that moves, for another page to show; empty where there is no such job yet."""
        return (
            render_to_string(self.progress_template, self.context_of(job, request), request)
            if job
            else SafeString()
        )

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue a stopped, failed or paused job again; it makes what is missing."""
        job = self.editable(request, pk)
        if sentence := self.resumed(request, job):
            messages.info(request, sentence)
        return redirect(job)

    def context_of(self, job: Kind, request: HttpRequest) -> Context:
        """What its page, and its part of another page, show."""
        may_change = request.user.has_perm(self.permission("change")) and self.is_editable(request, job)
        waiting = why_waiting(job.queue) if job.state == job.State.QUEUED else ""
        shared = {"pages": self, "job": job, "may_change": may_change, "why_waiting": waiting}
        return shared | self.context(job)

    def is_editable(self, request: HttpRequest, job: Kind) -> bool:
        """Whether this person may stop it and let it go on."""
        jobs: Any = self.kind.objects
        return bool(jobs.editable_by(request.user).filter(pk=job.pk).exists())

    def editable(self, request: HttpRequest, pk: int) -> Kind:
        jobs: Any = self.kind.objects
        rows: QuerySet[Kind] = jobs.editable_by(request.user)
        return get_object_or_404(rows, pk=pk)

    @property
    def app(self) -> str:
        return self.kind._meta.app_label

    @property
    def folder(self) -> str:
        """Where its templates lie."""
        return self.app

    @property
    def row_template(self) -> str:
        return f"{self.folder}/_{self.name}_row.html"

    @property
    def progress_template(self) -> str:
        return f"{self.folder}/_{self.name}_progress.html"

    @property
    def url(self) -> str:
        """What the names of its URLs begin with."""
        return f"{self.app}:{self.name}"
