"""The form that queues a quality report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from generation.declared_extractors import SITE, choices, refusals
from generation.quality.models import QualityReport
from pool.models import Dataset, Origin


class QualityForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """Two datasets, and how many images of each."""

    most = forms.IntegerField(
        min_value=2,
        max_value=20_000,
        initial=2000,
        label="Images of each side, at most",
        help_text="More are drawn down to this number by the seed.",
    )

    extractors = forms.MultipleChoiceField(
        required=False,
        initial=[SITE],
        label="Measured by",
        widget=forms.CheckboxSelectMultiple,
        help_text="Each gives distances of its own, which never compare with another’s; the machine rater sees by the first.",
    )

    class Meta:
        model = QualityReport
        fields = ["candidate", "reference", "split", "most", "seed", "extractors"]
        labels = {"candidate": "Fakes", "reference": "Real images", "split": "Of the real images"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["extractors"].choices = choices()  # type: ignore[attr-defined]  # a MultipleChoiceField
        filled = Dataset.objects.with_usable_images()
        self.fields["candidate"].queryset = filled.filter(origin=Origin.SYNTHETIC)  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["reference"].queryset = filled  # type: ignore[attr-defined]  # the same

    def clean_extractors(self) -> list[str]:
        values: list[str] = self.cleaned_data["extractors"]
        if sentences := refusals(values):
            raise ValidationError(sentences)
        return values

    def submit(self, by: Any, *, enqueue: bool = True) -> QualityReport:
        """The queued report; a worker is told, unless this process does it."""
        report: QualityReport = self.save(commit=False)
        report.requested_by = by
        if enqueue:
            report.submit()
        else:
            report.save()
        return report
