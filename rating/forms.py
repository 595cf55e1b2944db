"""What people may type on the rating side; validation lives here and in the constraints."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction

from pool.models import Dataset
from rating.models import Stratum, Study


class StudyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = Study
        fields = [
            "name",
            "instructions",
            "consent",
            "canvas",
            "bits",
            "ask_confidence",
            "reasons",
            "going_back",
            "fixed_zoom",
            "fixed_window",
            "hold_ahead",
            "break_after",
        ]
        widgets = {
            "instructions": forms.Textarea(attrs={"rows": 4}),
            "consent": forms.Textarea(attrs={"rows": 3}),
            "reasons": forms.Textarea(attrs={"rows": 6}),
        }

    # Left out by a form that does not show them, these keep their defaults.
    DEFAULTED = ("bits", "hold_ahead", "going_back", "break_after")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.DEFAULTED:
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in self.DEFAULTED:
            if name not in self.errors and cleaned.get(name) in {None, ""}:
                cleaned[name] = Study._meta.get_field(name).get_default()  # type: ignore[union-attr]  # all are plain columns
        return cleaned


class StrataForm(forms.Form):
    """One number per dataset: how many of its images the study shows."""

    def __init__(self, *args: Any, study: Study | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = {s.dataset_id: s.count for s in study.strata.filter(label="")} if study else {}
        self.datasets = {f"dataset_{d.pk}": d for d in Dataset.objects.with_usable_images()}
        for name, dataset in self.datasets.items():
            self.fields[name] = forms.IntegerField(
                label=dataset.name,
                min_value=0,
                max_value=dataset.usable_images,
                required=False,
                initial=chosen.get(dataset.pk, 0),
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.values()):
            raise forms.ValidationError("Ask for at least one image of one dataset.")
        return cleaned

    @transaction.atomic
    def save(self, study: Study) -> None:
        study.strata.filter(label="").delete()
        Stratum.objects.bulk_create(
            Stratum(study=study, dataset=dataset, count=self.cleaned_data[name])
            for name, dataset in self.datasets.items()
            if self.cleaned_data.get(name)
        )

    def rows(self) -> list[tuple[Dataset, forms.BoundField]]:
        return [(dataset, self[name]) for name, dataset in self.datasets.items()]


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
