"""The blinding audit at work: every check of `examination`, and the verdict that follows."""

from __future__ import annotations

from dataclasses import asdict

from jobs.models import JobFailedError
from rating.blinding.audit import BlindingAudit
from rating.blinding.examination import examine
from rating.blinding.findings import worst


def audit(job: BlindingAudit) -> None:
    """Examine the job's study and keep what was found. Raises JobFailedError."""
    if job.study.is_draft:
        raise JobFailedError("Freeze the study first: the audit looks at what raters will see.")
    job.total = job.study.images.count()
    job.save(update_fields=["total"])
    findings = examine(job.study, lambda done, message: job.beat(done=done, message=message))
    job.findings = [asdict(finding) for finding in findings]
    job.verdict = worst(findings).value
    job.save(update_fields=["findings", "verdict"])
