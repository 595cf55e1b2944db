"""The job that computes a study's numbers beforehand: a page of a large study shows them and never counts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.urls import reverse

from jobs.models import Job
from rating.studies.study import Study


class Analysis(Job):
    """The numbers of one part of a study, as its ratings are at one moment; they lie in the study's ResultCache."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="analyses")
    part = models.CharField(max_length=500, blank=True, editable=False)
    state_of_ratings = models.CharField(max_length=24, editable=False)

    task = "rating.results.computation.tasks.run_analysis"
    subjects = ("study",)

    class Meta(Job.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["study", "part", "state_of_ratings"], name="analysis_once_per_state"
            ),
        ]

    def __str__(self) -> str:
        return f"Analysis of {self.study}"

    def get_absolute_url(self) -> str:
        return reverse("rating:analysis", args=[self.study.slug])
