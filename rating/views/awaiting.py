"""Pages whose numbers a job is still computing show how far it is, and come back by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from rating.models import Analysis, Study
from rating.results.cache import ResultCache
from rating.results.computation.queue import analysis_to_await
from rating.results.parts import Part
from rating.views.jobs import analyses

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)
ACCEPTED = 202


class AwaitedError(Exception):
    """The numbers that a page shows are not there yet."""

    def __init__(self, job: Analysis) -> None:
        super().__init__(str(job))
        self.job = job


def await_analysis(request: HttpRequest, study: Study, part: Part, cache: ResultCache) -> None:
    """Raise AwaitedError unless a page may show the numbers of this part now."""
    if (job := analysis_to_await(study, part, cache, request.user)) is not None:
        raise AwaitedError(job)


def or_wait(
    view: Callable[Concatenate[HttpRequest, P], Response],
) -> Callable[Concatenate[HttpRequest, P], Response | HttpResponse]:
    """The page, or one that waits. Inside the request's transaction, which keeps the job that it waits for."""

    @wraps(view)
    def waiting(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response | HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except AwaitedError as error:
            job = error.job
            context = {"study": job.study, "progress": analyses.part(request, job)}
            return render(request, "rating/analysis_awaited.html", context, status=ACCEPTED)

    return waiting
