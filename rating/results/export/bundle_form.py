"""What a person chooses of a bundle."""

from __future__ import annotations

from typing import Any

from django import forms

from rating.results.computation.bundle_job import BundleJob
from rating.studies.study import Study


class BundleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = BundleJob
        fields = ["with_images"]

    def submit(self, study: Study, *, by: Any) -> BundleJob:
        """Queue the bundle of this study."""
        job: BundleJob = self.save(commit=False)
        job.study, job.requested_by = study, by
        job.submit()
        return job
