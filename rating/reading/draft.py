"""What a rater has begun to say of an image and not saved yet. It is no rating: no analysis and no export reads it."""

from __future__ import annotations

from typing import TypedDict

from django.db import models
from django.db.models.functions import Now

from rating.reading.marks import Mark
from rating.studies.second_questions import SecondAnswer
from rating.studies.sittings.presentation import Presentation


class DraftContent(TypedDict):
    """What stands in the form, whole or not."""

    label: str
    confidence: int | None
    reasons: list[str]
    remark: str
    second: dict[str, SecondAnswer]
    marks: list[Mark]


CONTENT = tuple(DraftContent.__annotations__)


class Draft(models.Model):
    """The unsaved answer to one presentation; the database drops it as soon as a rating is saved there."""

    presentation = models.OneToOneField(
        Presentation, on_delete=models.CASCADE, primary_key=True, related_name="draft"
    )
    label = models.CharField(max_length=7, blank=True)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    remark = models.TextField(blank=True, max_length=4000)
    second = models.JSONField(default=dict, db_default={}, blank=True)
    marks = models.JSONField(default=list, db_default=[], blank=True)
    written_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"draft at {self.presentation_id}"

    def content(self) -> DraftContent:
        return {
            "label": self.label,
            "confidence": self.confidence,
            "reasons": self.reasons,
            "remark": self.remark,
            "second": self.second,
            "marks": self.marks,
        }

    @staticmethod
    def write(presentation: Presentation, content: DraftContent) -> None:
        """Keep this in place of what was written before; of nothing, keep nothing."""
        if not (content["label"] or content["remark"] or content["second"] or content["marks"]):
            Draft.objects.filter(presentation=presentation.pk).delete()
            return
        Draft.objects.bulk_create(
            [Draft(presentation=presentation, **content, written_at=Now())],
            update_conflicts=True,
            unique_fields=["presentation"],
            update_fields=[*CONTENT, "written_at"],
        )
