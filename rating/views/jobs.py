"""The jobs of a study, which are parts of its page: freezing, and the blinding audit; and the one that computes its numbers."""

from __future__ import annotations

from typing import TypeVar

from django.http import HttpRequest

from jobs.views import JobPages
from rating.models import Analysis, BlindingAudit, Freeze

OfStudy = TypeVar("OfStudy", Freeze, BlindingAudit, Analysis)


class StudyJobPages(JobPages[OfStudy]):
    """How far it is, stop and go on: for whoever may see, and whoever may change, the study."""

    seconds = 1
    parts = ("_progress", "_cancel", "_resume")

    def permission(self, act: str) -> str:
        return f"rating.{act}_study"


class FreezePages(StudyJobPages[Freeze]):
    kind = Freeze
    name = "freeze"

    def resumed(self, request: HttpRequest, job: Freeze) -> str:
        """A study that was frozen or changed since is frozen anew, from its page."""
        if not job.study.is_draft or job.study.freezes.first() != job:
            return "Freeze the study anew."
        return super().resumed(request, job)


class AuditPages(StudyJobPages[BlindingAudit]):
    kind = BlindingAudit
    name = "audit"


class AnalysisPages(StudyJobPages[Analysis]):
    kind = Analysis
    name = "analysis_job"


freezes = FreezePages()
audits = AuditPages()
analyses = AnalysisPages()
