"""The jobs of a study for programs: freezing, the blinding audit, the one that computes its numbers."""

from __future__ import annotations

from typing import Any

from ninja import Router

from jobs.api import JobFacts, add_job_operations
from rating.views import jobs
from rating.views.api.facts import AuditFacts

router = Router(tags=["Acts on studies"])


class StudyJobFacts(JobFacts):
    study: str

    @staticmethod
    def resolve_study(job: Any) -> str:
        return str(job.study.slug)


class StudyAuditFacts(AuditFacts):
    study: str

    @staticmethod
    def resolve_study(job: Any) -> str:
        return str(job.study.slug)


add_job_operations(router, jobs.freezes, StudyJobFacts, at="/freezes", one="freeze", many="freezes")
add_job_operations(router, jobs.audits, StudyAuditFacts, at="/audits", one="audit", many="audits")
add_job_operations(router, jobs.analyses, StudyJobFacts, at="/analyses", one="analysis", many="analyses")
