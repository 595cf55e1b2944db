"""Quality reports for programs."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router

from accounts.api.filling import body_of
from accounts.api.types import typed_result
from generation.quality.forms import QualityForm
from generation.quality.models import QualityReport
from generation.quality.views import pages
from jobs.api import JobFacts, add_create, add_job_operations
from pool.filling import filled_by

router = Router(tags=["Quality reports"])
AT = "/quality-reports"


class QualityLine(JobFacts):
    """How far a report is; what was measured, it says itself."""

    candidate_id: int
    reference_id: int


class QualityFacts(QualityLine):
    """`results` is null until the report is made."""

    results: Annotated[dict[str, object], typed_result("QualityResults")] | None

    @staticmethod
    def resolve_results(report: QualityReport) -> dict[str, object] | None:
        return report.results or None


def create(request: HttpRequest, body: Any) -> QualityReport:
    """Measure generated images against real ones."""
    return filled_by(request.user, QualityForm, body).submit(request.user)


add_job_operations(
    router, pages, QualityFacts, line=QualityLine, at=AT, one="quality_report", many="quality_reports"
)
add_create(
    router,
    create,
    body_of(QualityForm, "Quality"),
    QualityFacts,
    at=AT,
    name="create_quality_report",
    permission="generation.add_qualityreport",
)
