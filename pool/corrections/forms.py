"""What a person says to mend a dataset, or many images at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q, QuerySet

from audit import record
from pool.canonical.texts import line
from pool.corrections.correcting import Corrected, correct
from pool.corrections.models import MOST_REASON
from pool.models import Correction, Dataset, Image
from pool.registers.fixed_images import is_fixed

TICKED, ALL = "ticked", "all"
CHANGED = "changed what is said of a dataset"  # as the log names it


class DatasetFactsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """What is said of a dataset, later."""

    class Meta:
        model = Dataset
        fields = ["name", "modality", "description", "licence", "citation"]
        widgets = {name: forms.Textarea(attrs={"rows": 3}) for name in ("description", "citation")}

    def clean_name(self) -> str:
        name = line(str(self.cleaned_data["name"]))
        if "name" in self.changed_data and _learned_from(self.initial["name"]).exists():
            raise forms.ValidationError(
                "Generated images name this dataset as what their model learned from: its name stays."
            )
        return name

    def clean_modality(self) -> str:
        modality = str(self.cleaned_data["modality"])
        if "modality" in self.changed_data and self.instance.images.filter(is_fixed()).exists():
            raise forms.ValidationError(
                "A study that is frozen or further shows images of it: the modality stays."
            )
        return modality

    @transaction.atomic
    def save_facts(self, *, by: Any) -> None:
        """Keep what changed, on the images too, with what stood there before in the log."""
        changes: dict[str, Any] = {
            name: {"before": str(self.initial[name]), "after": str(self.cleaned_data[name])}
            for name in self.changed_data
        }
        dataset: Dataset = self.save()
        if "modality" in changes:
            dataset.images.update(modality=dataset.modality)
        if changes:
            record(dataset, by, CHANGED, **changes)


class CorrectionForm(forms.Form):
    """One value for a field of the images ticked, or of all that a filter shows."""

    scope = forms.ChoiceField(
        choices=[(TICKED, "the images ticked"), (ALL, "all that are listed, on every page")],
        initial=TICKED,
        label="Of",
    )
    field = forms.ChoiceField(choices=Correction.Field, label="Say of their")
    value = forms.CharField(
        max_length=300, required=False, help_text="Empty: none is known. A split is train or test."
    )
    reason = forms.CharField(max_length=MOST_REASON, label="Why", help_text="It stands in the log.")
    images = forms.ModelMultipleChoiceField(Image.objects.none(), required=False)

    def __init__(self, *args: Any, listed: QuerySet[Image], by: Any, **kwargs: Any) -> None:
        """listed: what the gallery shows; only what `by` may change is offered."""
        super().__init__(*args, **kwargs)
        self.by = by
        self.listed = listed.filter(pk__in=Image.objects.editable_by(by))
        self.fields["images"].queryset = self.listed  # type: ignore[attr-defined]  # a ModelMultipleChoiceField

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        value = line(str(data.get("value", "")))
        if data.get("field") == Correction.Field.SPLIT and value not in {"", *Image.Split.values}:
            self.add_error("value", "A split is train or test, or nothing.")
        if data.get("scope") == TICKED and not data.get("images"):
            self.add_error(None, "Tick at least one image, or choose all that are listed.")
        data["value"] = value

    def submit(self) -> Corrected:
        data = self.cleaned_data
        images = self.listed if data["scope"] == ALL else self.listed.filter(pk__in=data["images"])
        return correct(images, data["field"], data["value"], by=self.by, reason=data["reason"])


def _learned_from(name: str) -> QuerySet[Image]:
    """Images whose provenance names a dataset of this name."""
    return Image.objects.filter(
        Q(provenance__trained_on=name)
        | Q(provenance__trained_on_before__contains=[name])
        | Q(provenance__trained_on_before=name)
    )
