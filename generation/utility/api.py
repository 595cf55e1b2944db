"""Utility experiments for programs."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router

from accounts.api.filling import body_of
from accounts.api.types import typed_result
from generation.utility.forms import UtilityForm
from generation.utility.models import UtilityExperiment
from generation.utility.views import pages
from jobs.api import JobFacts, add_create, add_estimate, add_job_operations
from jobs.how_long.estimate import Estimate
from pool.canonical.typed_json import as_json
from pool.filling import filled_by

router = Router(tags=["Utility experiments"])
AT = "/utility-experiments"


class UtilityLine(JobFacts):
    """How far an experiment is; what came of it, it says itself."""

    name: str
    real_id: int
    external_id: int | None
    config: dict[str, object]


class UtilityFacts(UtilityLine):
    """`report` is null until the experiment is done."""

    report: Annotated[dict[str, object], typed_result("UtilityResults")] | None

    @staticmethod
    def resolve_report(experiment: UtilityExperiment) -> Any:
        """What an older version left out of its reports stands in it as this one's default."""
        return as_json(experiment.results) if experiment.report else None


def create(request: HttpRequest, body: Any) -> UtilityExperiment:
    """Test what training on generated images is worth on real ones."""
    return filled_by(request.user, UtilityForm, body).submit(request.user)


def estimate(request: HttpRequest, body: Any) -> Estimate:
    """About how long such an experiment takes by the classifiers trained on this site; nothing is queued."""
    return filled_by(request.user, UtilityForm, body).estimate()


Body = body_of(UtilityForm, "Utility")
ADD = "generation.add_utilityexperiment"
add_estimate(router, estimate, Body, at=AT, name="estimate_utility_experiment", permission=ADD)
# After this: an address of an experiment is a wider pattern.
add_job_operations(
    router, pages, UtilityFacts, line=UtilityLine, at=AT, one="utility_experiment", many="utility_experiments"
)
add_create(
    router,
    create,
    Body,
    UtilityFacts,
    at=AT,
    name="create_utility_experiment",
    permission=ADD,
)
