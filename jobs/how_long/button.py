"""The button “How long?” of a form that queues a job: the form is filled, nothing is queued."""

from __future__ import annotations

from typing import Protocol

from django.http import HttpRequest

from jobs.how_long.estimate import Estimate


class TimedForm(Protocol):
    """A form that says about how long its job takes."""

    def is_valid(self) -> bool: ...

    def estimate(self) -> Estimate: ...


def is_of_duration(request: HttpRequest) -> bool:
    """Whether the form came by that button."""
    return request.method == "POST" and "duration" in request.POST


def with_duration(form: TimedForm) -> dict[str, object]:
    """The page's form and about how long its job takes, or why that cannot be said."""
    if form.is_valid():
        return {"form": form, "duration": form.estimate().sentence}
    return {"form": form, "duration": "How long it takes can be said once the form is filled."}
