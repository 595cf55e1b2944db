"""What a person may say about jobs that are there: which to show, and on what terms one goes on."""

from __future__ import annotations

from typing import Any

from django import forms

from generation.images.models import GenerationJob
from pool.models import Dataset

STATES = [("", "any state"), ("active", "waiting or running"), *GenerationJob.State.choices]


class QueueFilterForm(forms.Form):
    state = forms.ChoiceField(choices=STATES, required=False)
    engine = forms.ChoiceField(choices=[("", "any engine"), *GenerationJob.Engine.choices], required=False)
    dataset = forms.ModelChoiceField(
        Dataset.objects.filter(generation_jobs__isnull=False).distinct(),
        required=False,
        empty_label="any dataset",
    )

    @property
    def is_used(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())

    def filter(self, jobs: Any) -> Any:
        """The jobs that fit; a filter that makes no sense is left aside."""
        if not self.is_valid():
            return jobs
        chosen = dict(self.cleaned_data)
        if chosen["state"] == "active":
            jobs, chosen["state"] = jobs.active(), ""
        return jobs.filter(**{name: value for name, value in chosen.items() if value})


class ResumeForm(forms.Form):
    spend_cap = forms.DecimalField(min_value=0, max_digits=10, decimal_places=2, required=False)
    total = forms.IntegerField(min_value=1, required=False)

    def resume(self, job: GenerationJob, *, by: Any) -> bool:
        """Queue the job again, no further than the number it was once asked for; True if it was."""
        requested = self.cleaned_data["total"]
        total = min(requested, job.full_total) if requested and job.full_total else None
        return job.resume(by=by, total=total, spend_cap=self.cleaned_data["spend_cap"])
