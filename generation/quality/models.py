"""Quality reports: fakes compared with real images by machine, and what a worker found."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from generation.metrics.checkpoint_metrics import ExtractorJSON
from generation.metrics.number import MACHINE, OF_FEATURES, Number
from jobs.models import Job, JobQuerySet
from pool.canonical.typed_json import from_json
from pool.models import Dataset, Image
from pool.splits import held_out_images, split_in_words, training_images


def saliency_path(report: QualityReport, _filename: str) -> str:
    return f"quality/{report.pk}-{secrets.token_hex(4)}.png"


@dataclass(frozen=True, slots=True)
class Part:
    """The numbers of one finding or one generator."""

    kind: str
    name: str
    numbers: list[Number]


class QualityReport(Job):
    """One comparison of a candidate with a reference; `results` is the whole report as JSON."""

    class Split(models.TextChoices):
        ALL = "", "all images"
        TRAIN = "train", "those that models learn from"
        TEST = "test", "those held out"

    queue = "gpu"

    reference = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="quality_reports")
    split = models.CharField("of the reference", max_length=5, choices=Split, blank=True)
    most = models.PositiveIntegerField("images of each side, at most", default=2000)
    seed = models.PositiveIntegerField(default=0)
    # Values of `declared_extractors.choices`; empty: the site's own.
    extractors = models.JSONField("measured in the features of", default=list, blank=True)
    results = models.JSONField(default=dict, blank=True, editable=False)
    saliency = models.FileField(upload_to=saliency_path, max_length=200, blank=True, editable=False)

    objects: ClassVar[Any] = JobQuerySet["QualityReport"].as_manager()

    task = "generation.quality.tasks.run_quality"
    subjects = ("reference", "candidate")

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(reference=models.F("candidate")), name="quality_report_of_two_datasets"
            ),
            models.CheckConstraint(
                condition=models.Q(split__in=["", "train", "test"]), name="quality_report_split_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} against {self.reference}"

    def get_absolute_url(self) -> str:
        return reverse("generation:quality", args=[self.pk])

    def clean(self) -> None:
        if self.reference_id and self.reference_id == self.candidate_id:
            raise ValidationError("Choose two datasets: comparing one with itself says nothing.")
        if self.reference_id and self.candidate_id and self.reference.modality != self.candidate.modality:
            raise ValidationError(
                f"“{self.reference}” holds {self.reference.get_modality_display()} images, “{self.candidate}” "
                f"{self.candidate.get_modality_display()}: they do not compare."
            )
        if self.reference_id and self.split and not self.reference_images().exists():
            raise ValidationError({"split": f"There are none. {split_in_words(self.reference)}"})

    def reference_images(self) -> models.QuerySet[Image]:
        """All of it, or one of the sides that training parts it into, whether marked or by the hash."""
        if not self.split:
            return self.reference.images.usable()
        side = held_out_images if self.split == self.Split.TEST else training_images
        return side(self.reference)

    @property
    def extractor_facts(self) -> list[ExtractorJSON]:
        """What its numbers were measured by, the machine rater's first."""
        first = self.results.get("extractor")
        facts: list[ExtractorJSON] = self.results.get("extractors") or ([first] if first else [])
        return facts

    @property
    def numbers(self) -> list[Number]:
        return [from_json(Number, number) for number in self.results.get("numbers", [])]

    @property
    def first_numbers(self) -> list[Number]:
        """The two that people look for first, of a row that a list read without its curves and pairs."""
        rows: list[Any] = getattr(self, "number_rows", None) or []
        return [from_json(Number, number) for number in rows[:2]]

    def extractor_of(self, number: Number) -> str:
        """Whose features a number is of; the machine rater sees by the first extractor, and others by none."""
        if number.extractor:
            return number.extractor
        is_of_first = number.key == MACHINE or number.key in OF_FEATURES  # the latter of an older report
        return self.extractor_facts[0]["name"] if is_of_first else ""

    @property
    def parts(self) -> list[Part]:
        """The numbers by finding and by generator."""
        return [
            Part(kind, name, [from_json(Number, number) for number in numbers])
            for kind, named_parts in self.results.get("parts", {}).items()
            for name, numbers in named_parts.items()
        ]
