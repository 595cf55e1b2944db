"""The blinding audit of a study: a job that leaves a report, and what a person decided on it."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from audit import record
from jobs.models import Job
from pool.models import Dataset, Image
from rating.blinding.findings import FindingJSON, in_words
from rating.blinding.heat_map import HeatMap
from rating.studies.study import NotPossibleError, Study


class BlindingAudit(Job):
    """Run at each freeze, and again on request; the latest one counts."""

    class Verdict(models.TextChoices):
        GREEN = "green"
        UNKNOWN = "unknown"
        AMBER = "amber"
        RED = "red"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="blinding_audits")
    verdict = models.CharField(max_length=7, choices=Verdict, blank=True, editable=False)
    findings = models.JSONField(default=list, blank=True, editable=False)
    overridden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    overridden_at = models.DateTimeField(null=True, editable=False)
    override_reason = models.TextField(blank=True, editable=False)

    task = "rating.blinding.tasks.run_blinding_audit"
    subjects = ("study",)

    class Meta(Job.Meta):
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["study"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_blinding_audit_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(overridden_at=None)
                | (models.Q(verdict="red", overridden_by__isnull=False) & ~models.Q(override_reason="")),
                name="override_by_name_and_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"Blinding audit of {self.study}"

    def get_absolute_url(self) -> str:
        return self.study.get_absolute_url()

    @property
    def is_red(self) -> bool:
        return self.verdict == self.Verdict.RED

    @property
    def stops_opening(self) -> bool:
        return self.is_red and self.overridden_at is None

    def names_images_to(self, person: Any) -> bool:
        """Whether this person may read which codes a finding means: whoever may see which images are generated.

        That is everybody with the right to the truth of an unblinded study; before, only whoever may look into all
        datasets that the study shows.
        """
        if self.study.is_unblinded:
            return bool(person.has_perm("rating.view_truth"))
        of_study = Dataset.objects.filter(pk__in=self.study.strata.values("dataset"))
        hidden = of_study.exclude(pk__in=Dataset.objects.visible_to(person).values("pk"))
        return bool(person.has_perm("pool.view_image")) and not hidden.exists()

    @property
    def alarms(self) -> list[FindingJSON]:
        return [finding for finding in self.findings if finding["verdict"] in {"red", "amber"}]

    @property
    def findings_in_words(self) -> list[FindingJSON]:
        """All findings, each with what its check would have seen at this size said once, in its reason."""
        findings: list[FindingJSON] = self.findings
        return [{**finding, "reason": in_words(finding)} for finding in findings]

    @property
    def heat_map(self) -> HeatMap | None:
        """Where in the image the arms differ; None where that could not be looked at."""
        maps = [
            finding["detail"]["heat_map"]
            for finding in self.findings
            if "heat_map" in finding.get("detail", {})
        ]
        return maps[0] if maps else None

    def images_named(self) -> list[Image]:
        """The pool's images that the red and amber findings mean."""
        codes = {code for finding in self.alarms for group in finding.get("codes", ()) for code in group}
        # Not in the order of their codes: which code is which image is nobody's to know before the study is closed.
        return list(Image.objects.filter(pk__in=self.study.images.filter(code__in=codes).values("image")))

    def reasons_not_to_open(self) -> list[str]:
        """Why this audit keeps the study closed, in sentences; empty when it does not."""
        if self.is_active:
            return ["The blinding audit is still running."]
        if self.state == self.State.CANCELLED:
            return ["The blinding audit was stopped before its end: run it again."]
        if self.state != self.State.SUCCEEDED:
            return [f"The blinding audit has {self.state}: {self.error or 'run it again.'}"]
        if not self.stops_opening:
            return []
        red = [finding for finding in self.findings if finding["verdict"] == self.Verdict.RED]
        return [f"The blinding audit is red: {finding['reason']} {finding['remedy']}" for finding in red]

    @transaction.atomic
    def override(self, user: Any, reason: str) -> None:
        """Let the study open in spite of a red audit; a person answers for it by name and reason."""
        if not reason.strip() or user is None:
            raise NotPossibleError("An override needs a person and a reason; both are kept and reported.")
        audits = cast("models.QuerySet[BlindingAudit]", BlindingAudit.objects.all())
        standing = audits.filter(pk=self.pk, verdict=self.Verdict.RED, overridden_at=None)
        if not standing.update(overridden_by=user, overridden_at=timezone.now(), override_reason=reason):
            raise NotPossibleError("Only a red audit that nobody has overridden yet can be overridden.")
        self.refresh_from_db()
        record(self.study, user, "overrode the blinding audit", reason=reason)

    def sentences(self) -> list[str]:
        """The audit as the methods text prints it."""
        lines = [f"The blinding audit of {self.finished_at:%Y-%m-%d} was {self.verdict}."]
        lines += [f"{finding['check']}: {in_words(finding)}" for finding in self.findings]
        if self.overridden_at:
            lines.append(f"The red audit was overridden by {self.overridden_by}: {self.override_reason}")
        return lines
